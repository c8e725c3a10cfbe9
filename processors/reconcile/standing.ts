import type { FactGrant } from '../../schemas/wire/facts.ts'
import type { LapsedEntry } from '../../schemas/wire/common.ts'
import { isIdentityHome } from '../../src/core/keys.ts'
import { noPlan, type AccountRow, type HomeView, type Planned } from './model.ts'
import { PairMemo } from '../shared/memo.ts'

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

/**
 * What governance says at one home: an identity's desired access, or an account's own where it lives under its own key. `plan` is
 * where `entries` come from: a frozen one stands for all that is equal.
 */
export interface Standing {
  /** null: not ended, or not an identity's home */
  endedAt: number | null
  plan: readonly Planned[]
  entries: ReadonlyMap<string, Planned>
  lapsed: ReadonlyMap<string, LapsedEntry>
}

export function standingOf(view: HomeView): Standing {
  if (isIdentityHome(view.home)) {
    const { desired } = view
    const plan = desired?.plan ?? noPlan
    return { endedAt: desired?.endedAt ?? null, plan, entries: indexed(plan), lapsed: index(desired?.lapsed ?? []) }
  }
  const own = view.accounts.map(({ fact }) => fact)
  const plan = own.every(({ entries }) => entries.length === 0) ? noPlan : own.flatMap(({ entries }) => entries)
  return { endedAt: null, plan, entries: indexed(plan), lapsed: index(own.flatMap((fact) => fact.lapsed)) }
}

/** Catalogue names that active accounts of a home hold, by entitlement key, each with the accounts that hold it, in their order. */
export class Holdings {
  readonly accounts: readonly AccountRow[]
  /** of each account; made when first asked for */
  #keys: readonly ReadonlySet<string>[] | null = null

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

  #held(): readonly ReadonlySet<string>[] {
    return (this.#keys ??= this.accounts.map(({ fact }) => keysHeld(fact.grants, fact.app)))
  }
}

type Keyed = readonly [key: string, entry: Planned]

/** The entries that no active account holds, in their order. */
export function lacking({ plan, entries }: Standing, held: Holdings): readonly Keyed[] {
  const [account, ...others] = held.accounts
  const from = (): Keyed[] => [...entries].filter(([key]) => !held.has(key))
  if (others.length > 0) return from()
  if (account === undefined) return lackingAll.of(plan, plan, '', from)
  return lackingOne.of(plan, account.fact.grants, account.fact.app, from)
}

const lackingAll = new PairMemo<readonly Planned[], readonly Planned[], readonly Keyed[]>()
const lackingOne = new PairMemo<readonly Planned[], readonly FactGrant[], readonly Keyed[]>()
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
