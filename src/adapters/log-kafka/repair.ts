import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { batchEncoder } from './batch-encoding.ts'
import { checkBatches } from './checked-batches.ts'
import { readLargeBatches, readLargeRecords } from './fetched-batches.ts'
import { keepLeaders } from './leaderless.ts'
import { replace } from './replace.ts'

/**
 * Nine defects of kafkajs 2.2.4, amended in memory:
 *
 * - `aborted`: its read_committed filter takes one entry of the broker's list of aborted transactions per record, in the order of
 *   the list, and takes a data record with the key 00 00 00 00 for an abort marker. Aborted records get through.
 * - `emptied`: what compaction took from the end of a batch (or all of it) leaves nothing to step over, and a consumer asks for the
 *   same offset for ever. Such a batch gets a control record at its last offset, which nobody sees.
 * - `idle`: a connection without requests runs a timer every millisecond.
 * - `torn`: what had come of an answer when its connection broke is taken for the beginning of what the next connection brings, and
 *   the process ends with an error of reading.
 * - `halfOpen`: a connection on which an answer did not come in time is kept, and the request is sent on it again, and again. As the Java client
 *   does it (NetworkClient), it is closed.
 * - `leaderless`: one partition without a leader, and what the brokers tell of all others is thrown away too: nobody is found who leads those now
 *   (leaderless.ts).
 * - `copies`: records are encoded and grouped by copying, at a third of what a transaction costs (batch-encoding.ts). The bytes are the same.
 * - `large`: a batch of more than some 120,000 records overflows the stack, the headers of a record are copied for each of them, and a batch of a few
 *   bytes may unpack to more than there is memory: whoever reads it never gets past it (fetched-batches.ts).
 * - `unchecked`: nobody looks whether a batch's bytes give its checksum, so what a disk or the way altered is taken as it comes (checked-batches.ts).
 *
 * Other parts of it are used that have no documented interface (internals.ts), so any other release is refused.
 */
export type Repair = 'copies' | 'aborted' | 'emptied' | 'idle' | 'torn' | 'halfOpen' | 'leaderless' | 'large' | 'unchecked'
export const allRepairs: readonly Repair[] = ['copies', 'aborted', 'emptied', 'idle', 'torn', 'halfOpen', 'leaderless', 'large', 'unchecked']

/** SHA-256 over path and content of each file of `src` in kafkajs 2.2.4. */
const digestOf224 = '44574d7c11bce25ff386257c6742eb10455dcc04c4a7e14196373b1bc3b31d12'

/** Of the package that `require` finds. Throws unless it is the one that the repairs were written for. */
export function requireKnownRelease(require: NodeJS.Require): void {
  const root = dirname(require.resolve('kafkajs/package.json'))
  const found = digestOfFiles(join(root, 'src'))
  if (found === digestOf224) return
  throw new Error(
    `${root}: this is not kafkajs 2.2.4 as published (its files have the digest ${found}). Records of aborted transactions could ` +
      'be taken for committed ones, so Kafka is not used. Install the release that package-lock.json names: npm ci',
  )
}

function digestOfFiles(directory: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) hash.update(`${file.slice(directory.length)}\0`).update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

/** Amends the copy of kafkajs in the cache of `require`: to be called before anything else loads it. */
export function repairKafkajs(require: NodeJS.Require, repairs: readonly Repair[] = allRepairs): void {
  // before anything loads what it replaces
  if (repairs.includes('copies')) encodeAtOnce(require)
  if (repairs.includes('aborted')) replace(require, 'kafkajs/src/consumer/filterAbortedMessages', () => withoutAborted)
  if (repairs.includes('large')) readLargeRecords(require)
  if (repairs.includes('emptied')) replace(require, 'kafkajs/src/protocol/recordBatch/v0/decoder', steppingOverGaps)
  if (repairs.includes('large')) readLargeBatches(require)
  if (repairs.includes('unchecked')) checkBatches(require)
  if (repairs.includes('idle')) quietWhenIdle(require('kafkajs/src/network/requestQueue') as RequestQueueClass)
  if (repairs.includes('torn')) beginAfresh(require('kafkajs/src/network/connection') as ConnectionClass)
  if (repairs.includes('halfOpen')) closeHalfOpen(require('kafkajs/src/network/connection') as ConnectionClass)
  if (repairs.includes('leaderless')) keepLeaders(require)
}

function encodeAtOnce(require: NodeJS.Require): void {
  const { lookupCodec } = require('kafkajs/src/protocol/message/compression') as { lookupCodec: (type: number) => { compress: (encoded: { buffer: Buffer }) => Promise<Buffer> } }
  const RecordBatch = batchEncoder((type, encoded) => lookupCodec(type).compress(encoded))
  replace(require, 'kafkajs/src/protocol/recordBatch/v0', (original: object) => ({ ...original, RecordBatch }))
  // a record stays what it is until its batch is written
  replace(require, 'kafkajs/src/protocol/recordBatch/record/v0', () => (record: unknown) => record)
  replace(require, 'kafkajs/src/producer/groupMessagesPerPartition', () => grouped)
}

interface Ungrouped {
  topic: string
  partitionMetadata: readonly unknown[]
  messages: readonly object[]
  partitioner: (args: { topic: string; partitionMetadata: readonly unknown[]; message: object }) => number
}

function grouped({ topic, partitionMetadata, messages, partitioner }: Ungrouped): Record<number, object[]> {
  const groups: Record<number, object[]> = {}
  if (partitionMetadata.length > 0) for (const message of messages) (groups[partitioner({ topic, partitionMetadata, message })] ??= []).push(message)
  return groups
}

interface RawRecord {
  offset: string
  key: Buffer | null
  isControlRecord: boolean
  batchContext?: { producerId: string; inTransaction: boolean }
}

interface Fetched {
  messages: RawRecord[]
  abortedTransactions?: { producerId: string; firstOffset: string }[] | null
}

/** As the Java client does it (CompletedFetch): a queue by first offset, and a set of producers inside an aborted transaction. */
function withoutAborted({ messages, abortedTransactions }: Fetched): RawRecord[] {
  if (abortedTransactions === undefined || abortedTransactions === null || abortedTransactions.length === 0) return messages
  const waiting = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborting = new Set<string>()
  let next = 0
  return messages.filter(({ offset, key, isControlRecord, batchContext }) => {
    for (const at = BigInt(offset); next < waiting.length && waiting[next]!.firstOffset <= at; next++) aborting.add(waiting[next]!.producerId)
    if (batchContext === undefined) return true
    if (isControlRecord) {
      if (key !== null && isAbortMarker(key)) aborting.delete(batchContext.producerId)
      return true
    }
    return !(batchContext.inTransaction && aborting.has(batchContext.producerId))
  })
}

/** Key of a control record: version (int16), type (int16): 0 abort, 1 commit. */
const isAbortMarker = (key: Buffer): boolean => key.length >= 4 && key.readInt16BE(2) === 0

interface RecordBatch {
  firstOffset: string
  lastOffsetDelta: number
  maxTimestamp: string
  records: (RawRecord & { value: Buffer | null; headers: object; attributes: number; timestamp: string })[]
}

function steppingOverGaps(decode: (decoder: unknown) => Promise<RecordBatch>): (decoder: unknown) => Promise<RecordBatch> {
  return async (decoder) => {
    const batch = await decode(decoder)
    const last = (BigInt(batch.firstOffset) + BigInt(batch.lastOffsetDelta)).toString()
    if (batch.records.at(-1)?.offset === last) return batch
    const batchContext = batch as unknown as NonNullable<RawRecord['batchContext']>
    batch.records.push({ offset: last, key: null, value: null, headers: {}, attributes: 0, timestamp: batch.maxTimestamp, isControlRecord: true, batchContext })
    return batch
  }
}

interface RequestQueueClass {
  prototype: { pending: unknown[]; throttledUntil: number; scheduleCheckPendingRequests: (this: RequestQueueClass['prototype']) => void }
}

function quietWhenIdle({ prototype }: RequestQueueClass): void {
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
  }
}

interface ConnectionClass {
  prototype: {
    chunks: Buffer[]
    bytesBuffered: number
    bytesNeeded: number
    isConnected: () => boolean
    connect: (this: ConnectionClass['prototype']) => Promise<unknown>
    socket?: Socket
    send: (this: ConnectionClass['prototype'], request: unknown) => Promise<unknown>
  }
}

/** Of the size that begins every answer. */
const sizeBytes = 4

function beginAfresh({ prototype }: ConnectionClass): void {
  const connect = prototype.connect
  prototype.connect = function () {
    if (!this.isConnected()) {
      this.chunks = []
      this.bytesBuffered = 0
      this.bytesNeeded = sizeBytes
    }
    return connect.call(this)
  }
}

function closeHalfOpen({ prototype }: ConnectionClass): void {
  const send = prototype.send
  prototype.send = async function (request) {
    const { socket } = this
    try {
      return await send.call(this, request)
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError') socket?.destroy(new Error('an answer did not come in time'))
      throw error
    }
  }
}
