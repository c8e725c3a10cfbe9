import type { UnknownApp } from '../../../schemas/wire/results.ts'
import type { Outgoing } from '../../runtime/publisher.ts'
import { asRejection } from '../errors.ts'
import { deadLetter } from '../letters.ts'
import { maskRow } from '../mask.ts'
import type { Source } from '../source.ts'
import { postedRows } from '../sync-run.ts'
import { type CanonicalAccount, intentOf, mergeRows, traceOf, traceOfRejected } from './intent.ts'
import { type FeedShape, type TypedRow, parseRow } from './shape.ts'
import { UnknownApps } from './unknown-apps.ts'

export interface PostResult {
  accepted: number
  /** `index` counts the posted rows from 0 */
  rejected: { index: number; id: string | null; reason: string }[]
  /** what accepted rows name and the config file never had */
  unknownApps: UnknownApp[]
}

interface Group {
  indexes: number[]
  key: string | null
  rows: TypedRow[]
}

/** How the rows of one feed are read. */
interface PostFrame {
  shape: FeedShape
  canonical: CanonicalAccount
  /** the applications that the config file has or had */
  apps: ReadonlySet<string>
}

/**
 * Rows that a governance system sends by itself: no run, so nothing is ever concluded from what is not among them. All rows that
 * hold are in the log when it resolves, in one transaction with a dead letter for each that does not and, if any does, a record that the feed has told something.
 */
export async function postIntent(source: Source, { shape, canonical, apps }: PostFrame, rows: readonly unknown[]): Promise<PostResult> {
  const observed = source.stamp()
  const outgoing: Outgoing[] = []
  const result: PostResult = { accepted: 0, rejected: [], unknownApps: [] }
  const unknownApps = new UnknownApps(apps)
  const reject = (index: number, id: string | null, code: string, reason: string): void => {
    result.rejected.push({ index, id, reason })
    const place = `posted row ${index + 1} at ${observed}`
    const content = { stage: 'post', code, reason, place, record: id, payload: maskRow(rows[index]) } as const
    outgoing.push(deadLetter(source, null, content))
  }
  const groups = new Map<string, Group>()
  for (const [index, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      reject(index, null, 'shape', 'expected an object')
      continue
    }
    const values = row as Record<string, unknown>
    try {
      const typed = parseRow(values, shape)
      const { id, key } = traceOf(typed, canonical)
      const group = groups.get(id)
      if (group === undefined) groups.set(id, { indexes: [index], key, rows: [typed] })
      else {
        group.indexes.push(index)
        group.rows.push(typed)
      }
    } catch (error) {
      const { code, reason } = asRejection(error)
      reject(index, traceOfRejected(values, shape, canonical)?.id ?? null, code, reason)
    }
  }
  for (const [id, { indexes, key, rows: typed }] of groups) {
    const merged = mergeRows(typed)
    if (merged === null) {
      for (const index of indexes) reject(index, id, 'duplicate-id', 'rows of the same id contradict each other')
      continue
    }
    result.accepted += indexes.length
    for (const row of typed) unknownApps.add(row)
    outgoing.push({ topic: 'intent', key, record: intentOf(merged, { feed: source.name, run: null, observed }, canonical) })
  }
  result.rejected.sort((a, b) => a.index - b.index)
  result.unknownApps = unknownApps.list()
  // a feed that is only ever posted is known by this, once it has left the config file
  if (result.accepted > 0) outgoing.push(postedRows(source.name, source.clock.nowMs(), shape.class, { read: rows.length, rejected: result.rejected.length }))
  if (outgoing.length > 0) await source.publish(outgoing)
  return result
}
