import { setTimeout as sleep } from 'node:timers/promises'
import { reach } from '../../core/fault.ts'
import { textBytes } from '../log-embedded/layout.ts'
import type { RawMessage } from './internals.ts'
import type { Fetched, Reader } from './reader.ts'
import type { Change } from './state-cache.ts'
import type { Changelog } from './topics.ts'
import type { Outgoing } from './waves.ts'

/**
 * A record of a changelog: its key is the task's id, a zero byte, then `r` and the row's key, or `o` alone for the mark that each
 * owner writes when it opens the task. Its value is the row's; none deletes it.
 */
const ROW = 'r'
const OPENED = 'o'
const restoreBytes = 4 * 1024 * 1024
const pollMs = 5
/** A transaction of another task that shares the partition may stand before the mark until it times out, ms. */
const standstillMs = 120_000

export const rowRecord = ({ topic, partition }: Changelog, id: string, key: string, value: Uint8Array | null, timestamp: number): Outgoing => ({
  topic,
  partition,
  key: textBytes(`${id}\0${ROW}${key}`),
  value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  timestamp,
})

export const openedRecord = ({ topic, partition }: Changelog, id: string, timestamp: number): Outgoing => ({
  topic, partition, key: textBytes(`${id}\0${OPENED}`), value: Buffer.from(String(timestamp)), timestamp,
})

export interface RestoreProgress {
  task: string
  /** of the changelog, and the one where the restoring ends */
  offset: number
  end: number
  rows: number
}

interface Restore {
  reader: Reader
  changelog: Changelog
  id: string
  from: number
  /** the first offset that is not wanted any more */
  to: number
  apply: (changes: readonly Change[]) => Promise<void>
  onProgress: (progress: RestoreProgress) => void
}

/** Carries a task's rows from its changelog, in order. Throws where that stands still before the end. */
export async function restore({ reader, changelog, id, from, to, apply, onProgress }: Restore): Promise<void> {
  let rows = 0
  for await (const { messages, next } of fetched(reader, changelog, from, to)) {
    const changes = changesOf(messages, id)
    await apply(changes)
    rows += changes.length
    onProgress({ task: id, offset: Math.min(next, to), end: to, rows })
    reach('kafka.mid-restore')
  }
}

/** The rows of a task among what a changelog holds, in order. */
export function changesOf(messages: readonly RawMessage[], id: string): Change[] {
  const prefix = textBytes(`${id}\0${ROW}`)
  return messages.flatMap(({ key, value }): Change[] => (key?.subarray(0, prefix.length).equals(prefix) === true ? [[key.toString('utf8', prefix.length), value]] : []))
}

/** Whether an owner opened the task at `from` or after it, as far as can be read now. */
export async function wasOpened(reader: Reader, { topic, partition }: Changelog, id: string, from: number): Promise<boolean> {
  const mark = textBytes(`${id}\0${OPENED}`)
  for (let offset = from; ; ) {
    const { messages, next } = await reader.fetch(topic, partition, offset, restoreBytes)
    if (messages.some(({ key }) => key?.equals(mark) === true)) return true
    if (next === offset) return false
    offset = next
  }
}

/** Ids of the tasks that a changelog's partition tells of. Throws where it stands still before its end. */
export async function tasksIn(reader: Reader, changelog: Changelog): Promise<Set<string>> {
  const ids = new Set<string>()
  const end = await reader.end(changelog.topic, changelog.partition)
  for await (const { messages } of fetched(reader, changelog, 0, end)) {
    for (const { key } of messages) if (key !== null) ids.add(key.toString('utf8', 0, key.indexOf(0)))
  }
  return ids
}

/** All from `from` to `to`, fetch by fetch, each with the offset behind it. */
async function* fetched(reader: Reader, { topic, partition }: Changelog, from: number, to: number): AsyncGenerator<Fetched> {
  let moved = performance.now()
  for (let offset = from; offset < to; ) {
    const fetch = await reader.fetch(topic, partition, offset, restoreBytes)
    if (fetch.next > offset) {
      yield fetch
      offset = fetch.next
      moved = performance.now()
    } else if (performance.now() - moved > standstillMs) {
      throw new Error(`${topic}/${partition} can't be read beyond offset ${offset}, though it goes on to ${to}: a transaction before it stays open, or its leader does not answer`)
    } else await sleep(pollMs)
  }
}
