import { z } from 'zod'
import type { Store } from '../ports/store.ts'
import { SinkMismatchError } from './place.ts'

const Row = z.object({ id: z.string() })

/**
 * Tables without an owner are from now on the log's. Throws SinkMismatchError where they are another's, and where two came at the same
 * time, since then neither can tell whose the rows are.
 */
export async function requireSameLog(store: Store, log: string): Promise<void> {
  let owners = await ownersOf(store)
  if (owners.length === 0) {
    await store.command('INSERT INTO sink_log SELECT {log:String}, now64(3)', { log })
    owners = await ownersOf(store)
  }
  const other = owners.find((id) => id !== log)
  if (other !== undefined) throw new SinkMismatchError(`the tables hold the rows of the log ${other}, and this is the log ${log}. ${whatToDo}`)
}

async function ownersOf(store: Store): Promise<string[]> {
  return (await store.query('SELECT DISTINCT id FROM sink_log', {}, Row)).map(({ id }) => id)
}

export const whatToDo = 'Restore the log that belongs to them, or begin with empty tables: its sink fills them from the beginning'
