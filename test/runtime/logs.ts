import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import type { Log } from '../../src/ports/log.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { MemorySchemaStore } from '../support/memory-schemas.ts'

export const codec = createFileCodec(new MemorySchemaStore())

export const partitionsOf = (count: number): Record<Topic, number> =>
  Object.fromEntries(topicNames.map((topic) => [topic, count])) as Record<Topic, number>

export interface LogKind {
  name: string
  open: (partitions: number) => Promise<Log & AsyncDisposable>
}

const embedded: LogKind = {
  name: 'embedded log',
  async open(partitions) {
    const path = mkdtempSync(join(tmpdir(), 'grantline-runtime-'))
    const log = await openEmbeddedLog({ path, partitions: partitionsOf(partitions), durability: 'process' })
    return Object.assign(log, {
      async [Symbol.asyncDispose]() {
        await log.close()
        rmSync(path, { recursive: true })
      },
    })
  },
}

const memory: LogKind = {
  name: 'in-memory log',
  open(partitions) {
    const log = new MemoryLog(partitionsOf(partitions))
    return Promise.resolve(Object.assign(log, { [Symbol.asyncDispose]: () => log.close() }))
  },
}

export const logKinds: readonly LogKind[] = [memory, embedded]
