import type { FactGrant } from '../../schemas/wire/facts.ts'
import type { DesiredEntry, LapsedEntry } from '../../schemas/wire/common.ts'
import { isIdentityHome } from '../../src/core/keys.ts'
import { noPlan, type AccountRow, type AccountState, type DesiredRow, type HomeView, type Planned } from './model.ts'
import { PairMemo } from '../shared/memo.ts'
import { rightsOf, saidOf, type Said } from '../shared/rights.ts'
import { unpackReasons } from './stored.ts'

/** App names have no slash, so the first one ends them: no two pairs share a key. */
export function entitlementKey(app: string, entitlement: string): string {
  let keys = keysOf.get(app)
  if (keys === undefined) keysOf.set(app, (keys = new Map<string, string>()))
  let key = keys.get(entitlement)
  if (key !== undefined) return key
  key = `${app}/${entitlement}`
  if (kept++ < maxKeptKeys) keys.set(entitlement, key)
  else {
    keysOf.clear()
    kept = 0
  }
  return key
}

/** Keys made so far: one evaluation asks for each several times, and a text made anew would be hashed anew. */
const keysOf = new Map<string, Map<string, string>>()
const maxKeptKeys = 20_000
let kept = 0

/** What somebody may hold. `plan` is where `entries` come from: a frozen one stands for all that is equal. */
export interface Rights {
  /** null: not ended, or no identity */
  endedAt: number | null
  plan: readonly Planned[]
  entries: ReadonlyMap<string, Planned>
  lapsed: ReadonlyMap<string, LapsedEntry>
}

/** `claimed`: what an account in use has to hold itself, by what is said of it alone. */
interface OwnRights extends Rights {
  claimed: ReadonlyMap<string, DesiredEntry>
}

/** What governance says at one home: of an identity, or of an account that lives under its own key. */
export interface Standing {
  /** of every account of the home that is not in `own` */
  rights: Rights
  /** of a person's accounts about which something is said in particular */
  own: ReadonlyMap<AccountState, OwnRights>
  /** what the home should hold, on whichever account: what is revoked on an account that is in use is not made up for on another */
  home: Pick<Rights, 'plan' | 'entries'>
}

export function standingOf({ home, desired, accounts }: HomeView): Standing {
  const facts = accounts.map(({ fact }) => fact)
  if (!isIdentityHome(home)) {
    const plan = facts.every(({ entries }) => entries.length === 0) ? noPlan : facts.flatMap(({ entries }) => entries)
    return alike({ endedAt: null, plan, entries: indexed(plan), lapsed: index(facts.flatMap((fact) => fact.lapsed)) })
  }
  if (desired === null) return alike({ endedAt: null, plan: noPlan, entries: nothing, lapsed: nothing })
  const { plan, endedAt } = desired
  const rights: Rights = { endedAt, plan, entries: indexed(plan), lapsed: index(desired.lapsed) }
  const particular = facts.flatMap((fact): Particular[] => {
    const said = saidOf(fact)
    return said === null ? [] : [{ fact, said }]
  })
  return particular.length === 0 ? alike(rights) : standingWith(rights, particular, facts, desired)
}

export const rightsAt = ({ own, rights }: Standing, fact: AccountState): Rights => own.get(fact) ?? rights

const alike = (rights: Rights): Standing => ({ rights, own: none, home: rights })
const none: Standing['own'] = new Map()

/** An account of which something is said. */
interface Particular {
  fact: AccountState
  said: Said
}

function standingWith(rights: Rights, particular: readonly Particular[], facts: readonly AccountState[], desired: DesiredRow): Standing {
  const reasons = unpackReasons(desired.reasons)
  const person = { ...desired, entries: desired.plan.map((entry, i) => ({ ...entry, reasons: reasons[i] ?? [] })) }
  const used = new Map([...new Set(particular.map(({ fact }) => fact.app))].map((app) => [app, new Set(inUse(facts, app))]))
  const own = new Map(particular.map(({ fact, said }) => {
    const { entries, lapsed, claimed } = rightsOf(person, said)
    const isUsed = used.get(fact.app)!.has(fact)
    return [fact, { endedAt: rights.endedAt, plan: entries, entries: index(entries), lapsed: index(lapsed), claimed: isUsed ? index(claimed) : nothing }]
  }))
  const speaking = new Map([...used].map(([app, all]) => [app, [...all].flatMap((fact) => own.get(fact) ?? [])]))
  const isRevoked = ({ app, entitlement }: Planned): boolean =>
    speaking.get(app)?.some((of) => !of.entries.has(entitlementKey(app, entitlement))) === true
  const plan = rights.plan.filter((entry) => !isRevoked(entry))
  const entries = new Map([...[...own.values()].flatMap(({ claimed }) => [...claimed]), ...index(plan)])
  return { rights, own, home: { plan, entries } }
}

/** Accounts in the app that are active and surely theirs; where there are none, all that there are. One that is out of use beside them lacks nothing. */
function inUse(facts: readonly AccountState[], app: string): readonly AccountState[] {
  const there = facts.filter((fact) => fact.app === app)
  const used = there.filter(({ status, match }) => status === 'active' && match !== 'contested')
  return used.length > 0 ? used : there
}

/** Catalogue names that active accounts of a home hold, by entitlement key, each with the accounts that hold it, in their order. */
export class Holdings {
  readonly accounts: readonly AccountRow[]
  /** of each account; made when first asked for */
  #keys: readonly ReadonlySet<string>[] | null = null
  #places: ReadonlyMap<AccountState, number> | null = null

  constructor(accounts: readonly AccountRow[]) {
    this.accounts = accounts.filter(({ fact }) => fact.status === 'active')
  }

  has(key: string): boolean {
    return this.#held().some((keys) => keys.has(key))
  }

  get(key: string): readonly AccountRow[] {
    const held = this.#held()
    return this.accounts.filter((_account, i) => held[i]!.has(key))
  }

  isHeldBy(fact: AccountState, key: string): boolean {
    this.#places ??= new Map(this.accounts.map((row, i) => [row.fact, i]))
    const i = this.#places.get(fact)
    return i !== undefined && this.#held()[i]!.has(key)
  }

  #held(): readonly ReadonlySet<string>[] {
    return (this.#keys ??= this.accounts.map(({ fact }) => keysHeld(fact.grants, fact.app)))
  }
}

/** What should be held and is not. `account`: which alone can hold it; null: any of the home. */
export interface Missing {
  readonly key: string
  readonly entry: Planned | DesiredEntry
  readonly account: AccountState | null
}

/** The entries that no active account holds, in their order. */
export function lacking({ plan, entries }: Standing['home'], held: Holdings): readonly Missing[] {
  const [account, ...others] = held.accounts
  const from = (): Missing[] => [...entries].filter(([key]) => !held.has(key)).map(([key, entry]) => ({ key, entry, account: null }))
  if (others.length > 0) return from()
  if (account === undefined) return lackingAll.of(plan, plan, '', from)
  return lackingOne.of(plan, account.fact.grants, account.fact.app, from)
}

/** With what is claimed for one account: of those that lack it each is told, and nobody else for them. */
export function missingAt(lacked: readonly Missing[], { own }: Standing, held: Holdings): readonly Missing[] {
  if (own.size === 0) return lacked
  const claimed = [...own].flatMap(([account, of]) =>
    [...of.claimed].filter(([key]) => !held.isHeldBy(account, key)).map(([key, entry]): Missing => ({ key, entry, account })),
  )
  const keys = new Set(claimed.map(({ key }) => key))
  return [...lacked.filter(({ key }) => !keys.has(key)), ...claimed]
}

/** What accounts still hold though it lapsed. `account`: by what is said of it in particular; null: any of the others, by what is said of the home. */
export interface Overstaying {
  readonly lapse: LapsedEntry
  readonly account: AccountState | null
}

export function overstaying({ own, rights }: Standing, held: Holdings): readonly Overstaying[] {
  const byAnother = (key: string): boolean => (own.size === 0 ? held.has(key) : held.get(key).some(({ fact }) => !own.has(fact)))
  const shared = [...rights.lapsed].filter(([key]) => byAnother(key)).map(([, lapse]): Overstaying => ({ lapse, account: null }))
  const particular = [...own].flatMap(([account, { lapsed }]) =>
    [...lapsed].filter(([key]) => held.isHeldBy(account, key)).map(([, lapse]): Overstaying => ({ lapse, account })),
  )
  return [...shared, ...particular]
}

const lackingAll = new PairMemo<readonly Planned[], readonly Planned[], readonly Missing[]>()
const lackingOne = new PairMemo<readonly Planned[], readonly FactGrant[], readonly Missing[]>()
const indexes = new PairMemo<readonly Planned[], readonly Planned[], ReadonlyMap<string, Planned>>()
const heldKeys = new PairMemo<readonly FactGrant[], readonly FactGrant[], ReadonlySet<string>>()

const nothing = new Map<string, never>()

const indexed = (plan: readonly Planned[]): ReadonlyMap<string, Planned> => indexes.of(plan, plan, '', () => index(plan))

const keysHeld = (grants: readonly FactGrant[], app: string): ReadonlySet<string> =>
  heldKeys.of(grants, grants, app, () => new Set(grants.filter(({ mapped }) => mapped).map(({ entitlement }) => entitlementKey(app, entitlement))))

function index<E extends { app: string; entitlement: string }>(entries: readonly E[]): ReadonlyMap<string, E> {
  if (entries.length === 0) return nothing
  return new Map(entries.map((entry) => [entitlementKey(entry.app, entry.entitlement), entry]))
}
