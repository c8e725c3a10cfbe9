import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import type { Message } from '../../src/ports/log.ts'
import type { PortableLog } from '../../src/ports/portable-log.ts'

/** Everything that a log holds: messages with their offsets, ends, and the rows of every task that has any. */
export interface Contents {
  messages: Record<string, { offset: number; key: string | null; timestamp: number; value: string }[]>
  ends: Record<string, number>
  states: Record<string, Record<string, string>>
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

export async function contentsOf(log: PortableLog): Promise<Contents> {
  const contents: Contents = { messages: {}, ends: {}, states: {} }
  for (const topic of topicNames) {
    for (let partition = 0; partition < log.partitions[topic]; partition++) {
      const place = `${topic}/${partition}`
      contents.messages[place] = (await readAll(log, topic, partition)).map(({ offset, key, timestamp, value }) => ({ offset, key, timestamp, value: text(value) }))
      contents.ends[place] = await log.end(topic, partition)
    }
  }
  for (const id of await log.taskIds()) {
    const rows = [...(await log.openTask(id)).state.range('')].map(([key, value]) => [key, text(value)] as const)
    if (rows.length > 0) contents.states[id] = Object.fromEntries(rows)
  }
  return contents
}

async function readAll(log: PortableLog, topic: Topic, partition: number): Promise<Message[]> {
  const found: Message[] = []
  for (let offset = 0; ; offset = found.at(-1)!.offset + 1) {
    const messages = await log.read(topic, partition, offset, { maxMessages: 1_000, maxBytes: 1e7 })
    if (messages.length === 0) return found
    found.push(...messages)
  }
}

/** What the files of an export say: each with the digest of its text, however it was compressed. */
export const filesOf = (directory: string): string[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.zst'))
    .map((file) => `${file} ${createHash('sha256').update(zstdDecompressSync(readFileSync(join(directory, file)))).digest('hex')}`)
