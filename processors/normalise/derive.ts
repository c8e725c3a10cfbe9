import type { AccountFact } from '../../schemas/wire/facts.ts'
import type { AppSetting } from '../../schemas/settings.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { accountHome, identityHome } from '../../src/core/keys.ts'
import { compareKeys } from '../../src/core/order.ts'
import { part } from '../shared/rows.ts'
import type { AccountRow, Attributes } from './account.ts'
import { facetSources, isWhole, lastObserved, lastValid } from './account.ts'
import type { EffectiveGrant } from './expand.ts'
import { expand } from './expand.ts'
import type { Held } from './held.ts'
import { unpackHeld } from './held.ts'
import { intentOf } from './intent.ts'
import type { Ownership } from './owner.ts'
import { ownershipOf } from './owner.ts'
import type { Scope } from './scope.ts'

export interface Derived {
  readonly fact: AccountFact
  /** of what the fact says, without when and whence */
  readonly digest: string
  /** home of who is accountable for it, where that is another's home */
  readonly accountable: string | null
  readonly ownership: Ownership
}

/** Effective grants with their names left native, and since when (ms) each is held: `stamp` is of what may show new ones. */
export function grantsOf(
  { definitions }: Scope,
  app: string,
  row: AccountRow,
  stamp: number,
): { effective: EffectiveGrant[]; unknown: string[]; held: Held } {
  const direct = [...(row.memberships?.content ?? []), ...(row.grants?.content ?? [])]
  const { grants, unknown } = expand(direct, (ref) => definitions.closure(app, ref))
  const before = unpackHeld(row.held)
  const first = Math.floor(stamp / 1_000)
  return { effective: grants, unknown, held: new Map(grants.map(({ native }) => [native, before.get(native) ?? first])) }
}

/** The account's fact as everything known says it now. Pure over the state. */
export function derive(
  scope: Scope,
  app: string,
  id: string,
  row: AccountRow & { attributes: NonNullable<AccountRow['attributes']> },
  { effective, unknown, held }: ReturnType<typeof grantsOf>,
  setting: AppSetting,
): Derived {
  const { context } = scope
  const intent = intentOf(context.state, `${app}/${id}`)
  const attributes: Attributes = row.attributes.content
  const ownership = ownershipOf(attributes, intent, setting, scope.book, context.now)
  const home = ownership.identity === null ? accountHome(app, id) : identityHome(ownership.identity)
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
    unknown,
    grants: effective.map((grant) => named(grant, held.get(grant.native) ?? row.since, setting)).sort(compareGrants),
    credentials: [...(row.credentials?.content ?? [])],
    entries: [...(intent?.entries ?? [])],
    lapsed: [...(intent?.lapsed ?? [])],
  }
  const fact: AccountFact = {
    ...content,
    native: row.native,
    observed: lastObserved(row),
    valid: lastValid(row),
    movedFrom: null,
    sources: facetSources(row, context.partition, intent?.at ?? null),
    cause: context.position,
  }
  return {
    fact,
    digest: digest(textOfContent(content)),
    accountable: ownership.owner === null ? null : identityHome(ownership.owner),
    ownership,
  }
}

/** How an id is spelt is told with the next change: spellings that alternate are none. */
type Content = Omit<AccountFact, 'native' | 'observed' | 'valid' | 'movedFrom' | 'sources' | 'cause'>

/** Equal for equal content only. Grants are most of it, so theirs is put together by hand. */
function textOfContent(content: Content): string {
  let text = canonical({ ...content, grants: content.grants.length })
  for (const { entitlement, native, mapped, direct, since, valid, paths } of content.grants) {
    text += `${part(entitlement)}${native === entitlement ? '' : part(native)};${mapped ? 1 : 0}${direct ? 1 : 0};${since};${valid ?? ''};${paths.length}`
    for (const path of paths) text += textOfPath(path)
  }
  return text
}

/** Of the paths in the closures, which are never changed. */
const pathTexts = new WeakMap<readonly string[], string>()

function textOfPath(path: readonly string[]): string {
  let text = pathTexts.get(path)
  if (text === undefined) pathTexts.set(path, (text = `;${path.length}${path.map(part).join('')}`))
  return text
}

type Grant = AccountFact['grants'][number]

function named({ native, direct, valid, paths }: EffectiveGrant, since: number, setting: AppSetting): Grant {
  const name = Object.hasOwn(setting.catalogue, native) ? setting.catalogue[native] : undefined
  return {
    entitlement: name ?? native,
    native,
    mapped: name !== undefined || setting.identityMapping,
    direct,
    since,
    valid,
    paths: [...paths],
  }
}

const compareGrants = (a: Grant, b: Grant): number => compareKeys(a.entitlement, b.entitlement) || compareKeys(a.native, b.native)
