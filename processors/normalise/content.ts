import type { AccountFact, FactGrant } from '../../schemas/wire/facts.ts'
import { digest } from '../../src/core/canonical.ts'
import { part } from '../shared/rows.ts'

/** What a fact says, without when and whence. How an id is spelt is told with the next change: spellings that alternate are none. */
export type Content = Omit<AccountFact, 'native' | 'observed' | 'valid' | 'movedFrom' | 'sources' | 'cause'>

/** A longer text is kept as its digest. */
const maxLength = 400

/** Before what says since when beside the grants; a text of `normalise` 5 and before has it in them, and no mark. */
const mark = '='

/** Equal for equal content only (of a longer one: as far as SHA-256 tells). */
export function textOfContent(content: Content): string {
  return mark + shortened(textOf(content, digestOfGrants(content.grants), [content.grantsSince]))
}

/** Whether a text that was kept, by this release or an older one, says what `content` says, whose text is `text`. */
export function saysTheSame(kept: string, content: Content, text: string): boolean {
  if (kept.startsWith(mark)) return kept === text
  return kept === shortened(textOf(content, digest(textOfGrants(content.grants, content.grantsSince)), []))
}

const shortened = (text: string): string => (text.length > maxLength ? digest(text) : text)

function textOf(content: Content, grants: string, times: unknown[]): string {
  const { home, app, account, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed } = content
  const { since, whole, unknown, credentials, entries, lapsed, exposed, revoked, contestedSince } = content
  return JSON.stringify([
    home, app, account, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed, since, whole, unknown,
    grants, ...times, credentials.map(({ id, kind: of, created: at, lastUsed: used, expires }) => [id, of, at, used, expires]),
    entries.map((entry) => [entry.app, entry.entitlement, entry.from, entry.until, entry.reasons.map(reasonFields)]),
    lapsed.map((lapse) => [lapse.app, lapse.entitlement, lapse.at, lapse.why, reasonFields(lapse.reason)]),
    // of most accounts the text is what it was before facts told these
    ...withoutNulls([exposed, revoked?.map(({ app: of, entitlement, reason }) => [of, entitlement, reasonFields(reason)]) ?? null, contestedSince]),
  ])
}

/** Of those at the end. */
const withoutNulls = (fields: readonly unknown[]): readonly unknown[] => fields.slice(0, fields.findLastIndex((field) => field !== null) + 1)

function reasonFields({ kind, id, by, from, until, source }: Content['lapsed'][number]['reason']): unknown[] {
  return [kind, id, by, from, until, source.topic, source.partition, source.offset, source.index]
}

/** Of lists that many accounts share, which are frozen. */
const digests = new WeakMap<readonly FactGrant[], string>()

function digestOfGrants(grants: readonly FactGrant[]): string {
  let known = digests.get(grants)
  if (known === undefined) {
    known = digest(textOfGrants(grants, null))
    if (Object.isFrozen(grants)) digests.set(grants, known)
  }
  return known
}

/** `times`: to be told in each grant; one of them is of all. */
function textOfGrants(grants: readonly FactGrant[], times: readonly number[] | null): string {
  let text = ''
  grants.forEach(({ entitlement, native, mapped, direct, valid, paths }, i) => {
    const since = times === null ? '' : `${times[times.length === 1 ? 0 : i]};`
    text += `${part(entitlement)}${native === entitlement ? '' : part(native)};${mapped ? 1 : 0}${direct ? 1 : 0};${since}${valid ?? ''};${paths.length}`
    for (const path of paths) text += textOfPath(path)
  })
  return text
}

/** Of the paths in the closures, which are never changed. */
const pathTexts = new WeakMap<readonly string[], string>()

function textOfPath(path: readonly string[]): string {
  let text = pathTexts.get(path)
  if (text === undefined) pathTexts.set(path, (text = `;${path.length}${path.map(part).join('')}`))
  return text
}
