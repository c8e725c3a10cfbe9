import { z } from 'zod'
import type { Store } from '../ports/store.ts'

const Column = z.object({ name: z.string(), type: z.string() })
type Column = z.infer<typeof Column>

const isTime = (type: string): boolean => type.includes('DateTime64')

/** Times as milliseconds, as the sink's rows have them; everything else as it is. */
function asInserted({ name, type }: Column): string {
  const column = `t.\`${name}\``
  if (!isTime(type)) return column
  return type.startsWith('Array(') ? `arrayMap(x -> toUnixTimestamp64Milli(x), ${column})` : `toUnixTimestamp64Milli(${column})`
}

/** Of each column of a table AS t, in order, the expression that reads it back as it was inserted. */
export async function readBack(store: Store, table: string): Promise<ReadonlyMap<string, string>> {
  const columns = await store.query(
    'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position',
    { table },
    Column,
  )
  if (columns.length === 0) throw new Error(`there is no table ${table}: open the store with its migrations`)
  return new Map(columns.map((column) => [column.name, asInserted(column)]))
}

/** The SELECT list that reads a table's rows back as they were inserted. */
export async function readBackList(store: Store, table: string): Promise<string> {
  return [...(await readBack(store, table))].map(([name, column]) => `${column} AS \`${name}\``).join(', ')
}
