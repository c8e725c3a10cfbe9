import { z } from 'zod'
import type { Params, Store } from '../ports/store.ts'
import { readAccounts, readPage, type LogFilters, type LogRow } from './access-log.ts'

export interface AccountsQuery<R> {
  filters: LogFilters & { knownAt: number | null; limit: number }
  /** which accounts are to be looked at where the filters name none, as in `readPage`; null: all */
  chosen: string | null
  params: Params
  /** an account tells one row at most, nearly always */
  tellsOne: boolean
  /** what is to be told of one account, by those of its rows that were decided up to `knownAt` */
  tell: (account: readonly LogRow[]) => R[]
}

/**
 * Accounts of a page. Where one tells one row, an eighth more than rows are wanted: some have nothing to tell of the time in question, and
 * another page for the last few rows costs as much again. Else few, then more and more. Bounded, so that memory stays flat however large
 * the answer is: by less where all grants of each account are read.
 */
const spareShare = 1 / 8
const minAccounts = 250
const growth = 4
const maxAccounts = 5_000
const maxWholeAccounts = 500

/**
 * At most `limit` rows in the order of (app, account). Where the filters name no account they are put together page by page in the order
 * in which the table lies on disk: what a limit leaves out is not read. A row of an account for each of its changes is the price.
 */
export async function* tellAccounts<R>(store: Store, { filters, chosen, params, tellsOne, tell }: AccountsQuery<R>): AsyncGenerator<R[]> {
  const { account, identity, entitlement, knownAt, limit } = filters
  const told = (rows: readonly LogRow[]): R[] => tell(knownAt === null ? rows : rows.filter(({ decided }) => decided <= knownAt))
  if (account !== null || identity !== null) {
    yield (await readAccounts(store, filters)).flatMap(told).slice(0, limit)
    return
  }
  let left = limit
  for (const app of filters.app === null ? await appsOf(store) : [filters.app]) {
    for (let after = '', least = minAccounts; left > 0; least *= growth) {
      const wanted = tellsOne ? Math.ceil(left * (1 + spareShare)) : 0
      const size = Math.min(Math.max(wanted, least), entitlement === null ? maxWholeAccounts : maxAccounts)
      const accounts = await readPage(store, filters, { app, after, size }, chosen, params)
      const page = accounts.flatMap(told).slice(0, left)
      left -= page.length
      yield page
      if (accounts.length < size) break
      after = accounts.at(-1)![0]!.account
    }
  }
}

/** The report that is told so. */
export function ofAccounts<F, R>(query: (filters: F) => AccountsQuery<R>): { run(store: Store, filters: F): Promise<R[]>; pages(store: Store, filters: F): AsyncIterable<R[]> } {
  return {
    run: async (store, filters) => {
      const rows: R[] = []
      for await (const page of tellAccounts(store, query(filters))) for (const row of page) rows.push(row)
      return rows
    },
    pages: (store, filters) => tellAccounts(store, query(filters)),
  }
}

async function appsOf(store: Store): Promise<string[]> {
  const rows = await store.query('SELECT DISTINCT app AS name FROM access_log ORDER BY name', {}, z.object({ name: z.string() }))
  return rows.map(({ name }) => name)
}
