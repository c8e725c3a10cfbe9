import type { AccountFact } from '../../schemas/wire/facts.ts'
import type { AppSetting } from '../../schemas/settings.ts'
import { accountHome, identityHome } from '../../src/core/keys.ts'
import { deepFreeze } from '../../src/core/frozen.ts'
import { compareGrants } from '../../src/core/order.ts'
import { PairMemo } from '../shared/memo.ts'
import type { AccountRow, Attributes } from './account.ts'
import { isWhole, lastObserved, lastValid, sourcesOf } from './account.ts'
import { textOfContent, type Content } from './content.ts'
import type { Expanded } from './definitions.ts'
import type { EffectiveGrant } from './expand.ts'
import { exposedIn } from './exposed.ts'
import { heldAfter, sinceEach, type Held } from './held.ts'
import { intentOf } from './intent.ts'
import type { Ownership } from './owner.ts'
import { ownershipOf } from './owner.ts'
import type { Scope } from './scope.ts'

interface Derived {
  readonly fact: AccountFact
  /** what the fact says, without when and whence (content.ts) */
  readonly content: string
  /** home of who is accountable for it, where that is another's home */
  readonly accountable: string | null
  readonly ownership: Ownership
}

interface Grants {
  readonly expanded: Expanded
  readonly held: Held
}

/** Effective grants with their names left native, and since when each is held: `stamp` is of what may show new ones. */
export function grantsOf({ definitions }: Scope, app: string, row: AccountRow, stamp: number): Grants {
  const expanded = definitions.expand(app, row.memberships?.content, row.grants?.content)
  return { expanded, held: heldAfter(row.held, expanded.natives, Math.floor(stamp / 1_000)) }
}

/** The account's fact as everything known says it now. Pure over the state. */
export function derive(
  scope: Scope,
  app: string,
  id: string,
  row: AccountRow & { attributes: NonNullable<AccountRow['attributes']> },
  grants: Grants,
  setting: AppSetting,
): Derived {
  const { context } = scope
  const { unknown } = grants.expanded
  const intent = intentOf(context.state, `${app}/${id}`)
  const attributes: Attributes = row.attributes.content
  const ownership = ownershipOf(attributes, intent, setting, scope.book, context.now)
  const credentials = row.credentials?.content ?? []
  const home = ownership.identity === null ? accountHome(app, id) : identityHome(ownership.identity)
  const named = namedGrants(grants.expanded, setting)
  const content: Content = {
    type: 'AccountFact',
    home,
    app,
    account: id,
    kind: attributes.kind,
    status: attributes.status,
    display: attributes.display,
    match: ownership.match,
    identity: ownership.identity,
    candidates: [...ownership.candidates],
    owner: ownership.owner,
    ownerState: ownership.ownerState,
    created: attributes.created,
    lastUsed: attributes.lastUsed,
    since: row.since,
    whole: isWhole(row) && unknown.length === 0,
    unknown: [...unknown],
    grants: named.grants,
    grantsSince: sinceEach(grants.held, named.places),
    credentials: [...credentials],
    entries: [...(intent?.entries ?? [])],
    lapsed: [...(intent?.lapsed ?? [])],
    exposed: exposedIn(attributes, credentials),
    revoked: intent === null || intent.revoked === null ? null : [...intent.revoked],
    contestedSince: ownership.contestedSince,
  }
  const fact: AccountFact = {
    ...content,
    native: row.native,
    observed: lastObserved(row),
    valid: lastValid(row),
    movedFrom: null,
    sources: sourcesOf(row, context.partition, [...(intent === null ? [] : [intent.at]), ...scope.book.places(ownership.weighed)]),
    cause: context.position,
  }
  return {
    fact,
    content: textOfContent(content),
    accountable: ownership.owner === null ? null : identityHome(ownership.owner),
    ownership,
  }
}

type Grant = AccountFact['grants'][number]

/** In the order that facts have them; `places`: where each is among the native ids. */
interface Named {
  readonly grants: Grant[]
  readonly places: readonly number[]
}

/** The same for every account that has the same, and frozen then. */
function namedGrants(expanded: Expanded, setting: AppSetting): Named {
  return allNamed.of(expanded, setting, '', () => {
    const inOrder = expanded.grants.map((grant, place) => ({ place, grant: named(grant, setting) })).sort((a, b) => compareGrants(a.grant, b.grant))
    const grants = inOrder.map(({ grant }) => grant)
    return { grants: Object.isFrozen(expanded) ? deepFreeze(grants) : grants, places: inOrder.map(({ place }) => place) }
  })
}

const allNamed = new PairMemo<Expanded, AppSetting, Named>()

function named({ native, direct, valid, paths }: EffectiveGrant, setting: AppSetting): Grant {
  const name = Object.hasOwn(setting.catalogue, native) ? setting.catalogue[native] : undefined
  return {
    entitlement: name ?? native,
    native,
    mapped: name !== undefined || setting.identityMapping,
    direct,
    since: 0,
    valid,
    paths: [...paths],
  }
}
