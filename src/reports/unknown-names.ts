import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import { shows } from './access-log.ts'
import { where } from './report.ts'

/** Filters whose value names somebody or something. */
export const namingFilters = ['identity', 'account', 'entitlement'] as const
export type NamingFilter = (typeof namingFilters)[number]

const Row = z.object({ times: z.int() })

/**
 * Of what a question names, what the tables never held: then an empty answer may rest on a slip of the pen. Accounts and entitlements are
 * those of the application that is named, if any. Throws StoreError.
 */
export async function unknownNames(store: Store, filters: Readonly<Record<string, string>>): Promise<NamingFilter[]> {
  const asked = namingFilters.filter((name) => filters[name] !== undefined)
  const known = await Promise.all(asked.map((name) => isKnown(store, name, filters)))
  return asked.filter((_name, i) => known[i] === false)
}

async function isKnown(store: Store, name: NamingFilter, filters: Readonly<Record<string, string>>): Promise<boolean> {
  const app = name === 'identity' ? null : (filters['app'] ?? null)
  const held = name === 'entitlement' ? shows : `l.${name} = {${name}:String}`
  const some = (table: string, condition: string): string => `SELECT 1 FROM ${table} AS l ${where([[condition, name], ['l.app = {app:String}', app]])} LIMIT 1`
  const sql = `SELECT count() AS times FROM (${some('access_log', held)} UNION ALL ${some('findings_log', `l.${name} = {${name}:String}`)})`
  const [found] = await store.query(sql, { [name]: filters[name]!, app: app ?? '' }, Row)
  return (found?.times ?? 0) > 0
}
