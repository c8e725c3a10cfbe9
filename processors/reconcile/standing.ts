import type { DesiredEntry, LapsedEntry } from '../../schemas/wire/common.ts'
import type { AccountRow, HomeView } from './model.ts'

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

/** What governance says at one home: an identity's desired access, or an account's own where it lives under its own key. */
export interface Standing {
  /** null: not ended, or not an identity's home */
  endedAt: number | null
  entries: ReadonlyMap<string, DesiredEntry>
  lapsed: ReadonlyMap<string, LapsedEntry>
}

export function standingOf(view: HomeView): Standing {
  if (isIdentityHome(view.home)) {
    const { desired } = view
    return { endedAt: desired?.endedAt ?? null, entries: index(desired?.entries ?? []), lapsed: index(desired?.lapsed ?? []) }
  }
  const own = view.accounts.map(({ fact }) => fact)
  return { endedAt: null, entries: index(own.flatMap((fact) => fact.entries)), lapsed: index(own.flatMap((fact) => fact.lapsed)) }
}

/** Catalogue names that active accounts hold, by entitlement key, each with the accounts that hold it, in their order. */
export type Holdings = ReadonlyMap<string, readonly AccountRow[]>

export function holdings(accounts: readonly AccountRow[]): Holdings {
  const held = new Map<string, AccountRow[]>()
  for (const account of accounts) {
    if (account.fact.status !== 'active') continue
    for (const grant of account.fact.grants) {
      if (!grant.mapped) continue
      const key = entitlementKey(account.fact.app, grant.entitlement)
      const holders = held.get(key)
      if (holders === undefined) held.set(key, [account])
      else if (holders.at(-1) !== account) holders.push(account)
    }
  }
  return held
}

export const isIdentityHome = (home: string): boolean => home.startsWith('identity/')

function index<E extends { app: string; entitlement: string }>(entries: readonly E[]): Map<string, E> {
  return new Map(entries.map((entry) => [entitlementKey(entry.app, entry.entitlement), entry]))
}
