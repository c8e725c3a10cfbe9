import { cursorText, parseCursor } from '../../src/connect/since-cursor.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { attribute, idOf, isComplex } from './attributes.ts'
import type { ScimClient } from './client.ts'
import type { ScimConfig } from './config.ts'
import { membersOf } from './map.ts'
import { walk, type Paging } from './paging.ts'

/** Clocks of several nodes, and writes that become visible late: this far back is asked for again each time. */
const overlapMs = 5000
/** A change of a group larger than this is left to the next snapshot: hints must not become one of their own. */
const maxHintedMembers = 500

export interface ChangeReads {
  client: ScimClient
  config: ScimConfig
  userPaging: Paging
  groupPaging: Paging
}

const modifiedSince = (ms: number): string => `meta.lastModified ge "${new Date(ms).toISOString()}"`

/** Whether the filter by time was seen to take all, and to take none, and the server tells its own time. */
export async function measureChanges({ client, config }: ChangeReads): Promise<boolean> {
  const place = 'Users, measuring the filter on meta.lastModified'
  const ask = (filter: object) => client.list(config.users.path, { ...filter, startIndex: 1, count: 1 }, place)
  try {
    const all = await ask({})
    if (all.total === null || all.total === 0 || all.date === null) return false
    const past = await ask({ filter: modifiedSince(0) })
    const future = await ask({ filter: modifiedSince(all.date + 10 * 365 * 86_400_000) })
    return past.total === all.total && past.rows.length > 0 && future.total === 0 && future.rows.length === 0
  } catch (error) {
    if (error instanceof ConnectError && (error.class === 'schema' || error.class === 'not-found')) return false
    throw error
  }
}

/**
 * Users modified since the cursor, and who is in a group that was. Hints, not proof: who left a group is seen by the next
 * snapshot. The cursor holds the server's time, never ours, and what was told within the overlap.
 */
export async function readChanges(reads: ChangeReads, text: string | null): Promise<{ accounts: string[]; cursor: string }> {
  if (text === null) return { accounts: [], cursor: cursorText({ since: await serverTime(reads), seen: [] }) }
  const cursor = parseCursor(text)
  const told = new Set(cursor.seen)
  const versions = new Map<string, number>()
  const accounts = new Set<string>()
  const news = (row: unknown): boolean => {
    const modified = modifiedOf(row)
    const version = `${idOf(row)}@${modified}`
    versions.set(version, modified)
    return !told.has(version)
  }
  for await (const row of modified(reads, 'Users', cursor.since)) {
    const id = idOf(row)
    if (id !== null && news(row)) accounts.add(id)
  }
  if (reads.config.groups !== 'user-groups') {
    for await (const row of modified(reads, 'Groups', cursor.since)) {
      const { users } = membersOf(reads.config, row)
      if (news(row) && users.length <= maxHintedMembers) for (const id of users) accounts.add(id)
    }
  }
  const since = [...versions.values()].reduce((latest, modified) => Math.max(latest, modified), cursor.since)
  const seen = [...versions].flatMap(([version, modified]) => (modified >= since - overlapMs ? [version] : []))
  return { accounts: [...accounts], cursor: cursorText({ since, seen }) }
}

async function* modified(reads: ChangeReads, name: 'Users' | 'Groups', since: number): AsyncGenerator {
  const { client, config } = reads
  const paging = name === 'Users' ? reads.userPaging : reads.groupPaging
  const path = name === 'Users' ? config.users.path : config.groupsPath
  const of = { client, name: `changed ${name}`, path, query: { filter: modifiedSince(since - overlapMs) }, pageSize: config.pageSize }
  for await (const page of walk(paging, of)) yield* page.rows
}

async function serverTime({ client, config }: ChangeReads): Promise<number> {
  const place = 'Users, asking for the server’s time'
  const { date } = await client.list(config.users.path, { startIndex: 1, count: 1 }, place)
  if (date === null) throw new ConnectError('schema', 'the answer has no Date header to count changes from', place)
  return date
}

/** Without a time of its own a row is told each time it is met. */
function modifiedOf(row: unknown): number {
  const meta = isComplex(row) ? attribute(row, 'meta') : undefined
  const text = isComplex(meta) ? attribute(meta, 'lastModified') : undefined
  const ms = typeof text === 'string' ? Date.parse(text) : NaN
  return Number.isNaN(ms) ? 0 : ms
}
