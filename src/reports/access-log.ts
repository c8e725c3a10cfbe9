import { z } from 'zod'
import type { Position } from '../../schemas/wire/common.ts'
import type { Params, Store } from '../ports/store.ts'
import { where } from './report.ts'

export interface LogFilters {
  app: string | null
  account: string | null
  identity: string | null
  entitlement: string | null
}

/** Accounts of one application that lie next to each other in the order of the table, but for those that are not `chosen`. */
export interface AccountPage {
  app: string
  /** before the first */
  after: string
  /** how many at most */
  size: number
}

const Grant = z
  .tuple([z.string(), z.string(), z.string(), z.boolean(), z.int(), z.int().nullable(), z.array(z.array(z.string()))])
  .transform(([entitlement, native, verdict, direct, since, valid, paths]) => ({ entitlement, native, verdict, direct, since, valid, paths }))

/** A row of access_log. Where one entitlement is asked for, `set` has its grants only, and `removed` the names of all that the row speaks of. Times in ms. */
export const LogRow = z.object({
  home: z.string(), identity: z.string().nullable(), app: z.string(), account: z.string(), kind: z.string(), status: z.string(),
  gone: z.boolean(), set: z.array(Grant), removed: z.array(z.string()), valid: z.int().nullable(), observed: z.int(), decided: z.int(),
  topic: z.string(), partition: z.int(), offset: z.int(), index: z.int(),
})
export type LogRow = z.infer<typeof LogRow>

export const positionOf = ({ topic, partition, offset, index }: LogRow): Position => ({ topic, partition, offset, index })

/** Which rows name the accounts that ever held an entitlement: by a catalogue name or a native one. */
export const shows = '(has(l.grants.entitlement, {entitlement:String}) OR has(l.grants.native, {entitlement:String}))'

/** Which rows give it under a verdict. */
export const showsJudged =
  'arrayExists((e, n, v) -> v = {verdict:String} AND (e = {entitlement:String} OR n = {entitlement:String}), l.grants.entitlement, l.grants.native, l.grants.verdict)'

/** All rows of the accounts that the filters name, whoever's they were; in the order of the table, an array for each account. */
export function readAccounts(store: Store, filters: LogFilters): Promise<LogRow[][]> {
  return read(store, filters, where([
    ['l.app = {app:String}', filters.app],
    ['l.account = {account:String}', filters.account],
    // an account's other homes are needed to tell when it came to this one, so an identity selects whole accounts
    ['(l.app, l.account) IN (SELECT app, account FROM access_log WHERE identity = {identity:String})', filters.identity],
  ]), { ...filters })
}

/**
 * All rows of a page's accounts, as above. `chosen`: which rows of access_log AS l name an account that is to be looked at, together with
 * `params`; null: all. The store looks for the names in the table's own order and stops at the last one.
 */
export function readPage(store: Store, filters: LogFilters, { app, after, size }: AccountPage, chosen: string | null, params: Params): Promise<LogRow[][]> {
  const names = where([['l.app = {page_app:String}', app], ['l.account > {page_after:String}', after], [chosen ?? '', chosen]])
  const condition = `WHERE l.app = {page_app:String} AND l.account IN (
    SELECT account FROM access_log AS l ${names} ORDER BY l.app, l.account LIMIT 1 BY l.account LIMIT {page_size:UInt32}
  )`
  return read(store, filters, condition, { ...filters, ...params, page_app: app, page_after: after, page_size: size })
}

async function read(store: Store, { entitlement }: LogFilters, condition: string, params: Params): Promise<LogRow[][]> {
  const grants = `arrayZip(
    grants.entitlement, grants.native, grants.verdict, grants.direct, arrayMap(t -> toUnixTimestamp64Milli(t), grants.since),
    arrayMap(t -> toUnixTimestamp64Milli(t), grants.valid), grants.paths
  )`
  const [set, removed] = entitlement === null
    ? [grants, 'l.removed']
    : [
        `arrayFilter((g, e, n) -> e = {entitlement:String} OR n = {entitlement:String}, ${grants}, grants.entitlement, grants.native)`,
        // who asks for a native name does not know the entitlement with which it may be lost
        'arrayConcat(l.removed, grants.entitlement)',
      ]
  // a page needs a few thousand rows of each part of the table: larger blocks, and several of them, would be read in vain
  const sql = `
SELECT
  home, identity, app, account, kind, status, gone, ${set} AS set, ${removed} AS removed, toUnixTimestamp64Milli(l.valid) AS valid,
  toUnixTimestamp64Milli(l.observed) AS observed, toUnixTimestamp64Milli(l.decided) AS decided, topic, partition, offset, \`index\`
FROM access_log AS l
${condition}
ORDER BY l.app, l.account, l.home, l.offset, l.\`index\`
SETTINGS max_block_size = 4096, read_in_order_use_buffering = 0`
  const rows = await store.query(sql, params, LogRow)
  const accounts: LogRow[][] = []
  for (const row of rows) {
    const [first] = accounts.at(-1) ?? []
    if (first?.app === row.app && first.account === row.account) accounts.at(-1)!.push(row)
    else accounts.push([row])
  }
  return accounts
}
