import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { MemorySchemaStore } from '../../test/support/memory-schemas.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'

/** Chunks of 250 accounts, against JSON. Run: node bench/codec/codec.ts */
const CHUNK = 250
const ROUNDS = 200

const accounts: RecordOf<'raw'>[] = Array.from({ length: CHUNK }, (_, i) => ({
  type: 'Account', app: 'billing', id: `user-${i}`, native: `User-${i}`, run: 17, observed: 1_790_000_000_000_000 + i, valid: null, gone: false,
  attributes: {
    whole: true, kind: 'human', status: 'active', display: `User Number ${i}`, created: 1_700_000_000_000, lastUsed: 1_790_000_000_000, owner: null,
    values: { mail: `user.${i}@example.com`, personnel: `${100_000 + i}` },
  },
  memberships: { whole: true, added: Array.from({ length: 3 }, (_unused, j) => ({ ref: { kind: 'role' as const, id: `role-${(i + j) % 100}` }, valid: null })), removed: [] },
  grants: { whole: true, added: [{ ref: { kind: 'entitlement' as const, id: `permission-${i % 200}` }, valid: null }], removed: [] },
  credentials: null,
}))

const codec = createFileCodec(new MemorySchemaStore())
const message = codec.encode('raw', accounts)
const json = Buffer.from(JSON.stringify(accounts))
console.log(`bytes a record: Avro ${(message.length / CHUNK).toFixed(0)}, JSON ${(json.length / CHUNK).toFixed(0)}`)

measure('encode, chunk', () => codec.encode('raw', accounts))
measure('decode, chunk', () => codec.decode('raw', message))
measure('open, chunk', () => codec.open?.('raw', message))
measure('encodeRecord', () => accounts.forEach((account) => codec.encodeRecord('raw', account)))
measure('JSON.stringify + Buffer', () => Buffer.from(JSON.stringify(accounts)))
measure('JSON.parse', () => JSON.parse(json.toString('utf8')))

function measure(name: string, work: () => unknown): void {
  let bestMs = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now()
    work()
    bestMs = Math.min(bestMs, performance.now() - from)
  }
  console.log(`${name.padEnd(24)} ${((bestMs * 1e6) / CHUNK).toFixed(0).padStart(6)} ns a record`)
}
