import type { AppSetting } from '../../schemas/settings.ts'
import { foldKey } from '../../src/core/canonical-id.ts'
import type { Attributes } from './account.ts'
import type { KeyBookTable } from './keybook.ts'
import type { AccountIntentRow } from './intent.ts'
import type { Claim, Claimed } from './match.ts'
import { decide, isLive, nextRelease } from './match.ts'
import { chainTopic, keyTopic } from './watch.ts'

/** Whose account it is and who is accountable for it, with what that answer rests on. */
export interface Ownership {
  readonly match: 'linked' | 'matched' | 'contested' | 'none' | 'not-a-person'
  readonly identity: string | null
  readonly candidates: readonly string[]
  /** ms; null where it is not contested */
  readonly contestedSince: number | null
  /** whose entries in the key book were weighed against each other: nobody's where one alone claims the key */
  readonly weighed: readonly string[]
  readonly owner: string | null
  readonly ownerState: 'owned' | 'none' | 'contested' | 'not-needed'
  /** topics (watch.ts) that may change the answer */
  readonly watches: readonly string[]
  /** ms; when time itself may change the answer */
  readonly due: number | null
}

const undisputed = { candidates: [], contestedSince: null, weighed: [], watches: [], due: null }

export function ownershipOf(
  attributes: Attributes,
  intent: AccountIntentRow | null,
  setting: AppSetting,
  book: KeyBookTable,
  now: number,
): Ownership {
  if (attributes.kind === 'human') {
    const none = { owner: null, ownerState: 'not-needed' } as const
    if (intent !== null && intent.link !== null) {
      return { match: 'linked', identity: intent.link, ...none, ...undisputed }
    }
    const answer = firstAnswer(lookups(attributes, setting), attributes.created, setting, book, now)
    return { match: answer.claimed.state, identity: holder(answer.claimed), ...rest(answer), ...none }
  }
  const person = { match: 'not-a-person', identity: null } as const
  if (intent !== null && intent.owner !== null) {
    return { ...person, ...undisputed, owner: intent.owner, ownerState: 'owned' }
  }
  const wanted = lookup(setting.ownerSpace, attributes.owner)
  const answer = firstAnswer(wanted, attributes.created, setting, book, now)
  const { state } = answer.claimed
  return { ...person, ...rest(answer), owner: holder(answer.claimed), ownerState: state === 'matched' ? 'owned' : state }
}

interface Lookup {
  readonly space: string
  readonly key: string
}

interface Answer {
  readonly claimed: Claimed
  readonly weighed: readonly string[]
  readonly watches: readonly string[]
  readonly due: number | null
}

function lookup(space: string | null, text: string | null | undefined): Lookup[] {
  const key = text === null || text === undefined ? '' : foldKey(text)
  return space === null || key === '' ? [] : [{ space, key }]
}

function lookups({ values }: Attributes, { match }: AppSetting): Lookup[] {
  const found: Lookup[] = []
  for (const { space, attribute } of match) {
    const key = Object.hasOwn(values, attribute) ? foldKey(values[attribute]!) : ''
    if (key !== '') found.push({ space, key })
  }
  return found
}

/** The first key that has a live claim decides; those before it are watched, since a claim on one of them would decide instead. */
function firstAnswer(
  keys: readonly Lookup[],
  created: number | null,
  setting: AppSetting,
  book: KeyBookTable,
  now: number,
): Answer {
  const delayMs = setting.allowedDelaySeconds * 1_000
  const watches = new Set<string>()
  for (const { space, key } of keys) {
    watches.add(keyTopic(space, key))
    const claims = book.claims(space, key)
    const live = claims.filter((claim) => isLive(claim, delayMs, now))
    if (live.length === 0) continue
    const released = live.length === claims.length ? [] : claims.filter((claim) => !live.includes(claim))
    const { claimed, weighed, walked } = decide(oneEach(live), released, created, (identity) => book.continues(identity))
    for (const identity of walked) watches.add(chainTopic(identity))
    return { claimed, weighed: [...weighed, ...walked], watches: [...watches], due: nextRelease(live, delayMs, now) }
  }
  return { claimed: { state: 'none' }, weighed: [], watches: [...watches], due: null }
}

/** Claims come sorted by identity and since: of several live ones of one identity the earliest says since when it has the key. */
const oneEach = (claims: readonly Claim[]): Claim[] =>
  claims.filter(({ identity }, n) => n === 0 || claims[n - 1]?.identity !== identity)

const holder = (claimed: Claimed): string | null => (claimed.state === 'none' ? null : claimed.identity)

const rest = ({ claimed, weighed, watches, due }: Answer): Pick<Ownership, 'candidates' | 'contestedSince' | 'weighed' | 'watches' | 'due'> => ({
  candidates: claimed.state === 'contested' ? claimed.candidates : [],
  contestedSince: claimed.state === 'contested' ? claimed.since : null,
  weighed,
  watches,
  due,
})
