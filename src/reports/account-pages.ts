import { z } from 'zod'
import type { Params, Store } from '../ports/store.ts'
import { where } from './report.ts'

/** Accounts of one application that lie next to each other in the order of the table. */
export interface AccountPage {
  page_app: string
  /** before the first */
  page_after: string
  /** the last */
  page_upto: string
}

export interface PagedQuery<R> {
  app: string | null
  /** which rows of access_log AS l name an account that is to be looked at; null: all. Together with `params` */
  chosen: string | null
  params: Params
  limit: number
  /** the rows of one page, at most `limit` of them, in the order of (app, account) */
  run: (page: AccountPage, limit: number) => Promise<R[]>
}

/**
 * Accounts of a page. Few for a small limit, and an eighth more than that: some have nothing to tell of the time in question, and another
 * page for the last few rows costs as much again. Bounded, so that memory stays flat however large the answer is.
 */
const spareShare = 1 / 8
const minAccounts = 250
const maxAccounts = 5_000
const Name = z.object({ name: z.string() })

/** The condition on access_log AS l, or on a view of it, that a page's accounts meet. */
export const ofPage = (of: string): string => `${of}.app = {page_app:String} AND ${of}.account > {page_after:String} AND ${of}.account <= {page_upto:String}`

/**
 * An answer put together page by page, in the order in which the table lies on disk: what a limit leaves out is not read. The store
 * reads in that order only where nothing but a filter stands between; a row of an account for each of its changes is the price.
 */
export async function pageAccounts<R>(store: Store, query: PagedQuery<R>): Promise<R[]> {
  const { app, chosen, params, limit, run } = query
  const apps = app === null ? await store.query('SELECT DISTINCT app AS name FROM access_log ORDER BY name', {}, Name) : [{ name: app }]
  const found: R[] = []
  for (const { name } of apps) {
    for (let after = ''; found.length < limit; ) {
      const size = Math.min(Math.max(Math.ceil((limit - found.length) * (1 + spareShare)), minAccounts), maxAccounts)
      const conditions = where([['l.app = {page_app:String}', true], ['l.account > {page_after:String}', true], [chosen ?? '', chosen]])
      // a block of a few thousand rows is enough for a page; a larger one would be read whole
      const sql = `SELECT account AS name FROM access_log AS l ${conditions} ORDER BY l.app, l.account LIMIT {page_size:UInt32} SETTINGS max_block_size = 4096`
      const accounts = await store.query(sql, { ...params, page_app: name, page_after: after, page_size: size }, Name)
      const upto = accounts.at(-1)?.name
      if (upto === undefined) break
      found.push(...(await run({ page_app: name, page_after: after, page_upto: upto }, limit - found.length)))
      if (accounts.length < size) break
      after = upto
    }
  }
  return found
}
