import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Transactor as AnyTransactor } from '../../src/adapters/log-kafka/transactor.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'
import { ownEverything } from '../../src/runtime/own-everything.ts'
import { StateTable } from '../../src/runtime/state-table.ts'
import { TaskRow, taskRowKey } from '../../src/runtime/task-row.ts'

type Open = typeof openDataDirectory
/**
 * The product with one of its promises broken, so that the checker is seen to notice. `between` is called where a signal makes the
 * difference.
 */
type Variant = (between: () => void) => Promise<Open>

/** A transactional id for each process: whoever was taken over is never fenced. */
const idPerProcess: Variant = async () => {
  const { Transactor } = await import('../../src/adapters/log-kafka/transactor.ts')
  const open = Transactor.open.bind(Transactor)
  const process = randomUUID()
  Transactor.open = (kafka, id, transactionTimeoutMs) => open(kafka, `${id}/${process}`, transactionTimeoutMs)
  return openDataDirectory
}

/** kafkajs as it was published: records of aborted transactions are read. */
const unrepaired: Variant = async () => {
  const require = createRequire(import.meta.url)
  if (Object.keys(require.cache).some((path) => path.includes('/kafkajs/'))) throw new Error('kafkajs is loaded already, and repaired')
  for (const id of ['kafkajs/src/consumer/filterAbortedMessages', 'kafkajs/src/protocol/recordBatch/v0/decoder']) {
    const original: unknown = require(id)
    Object.defineProperty(require.cache[require.resolve(id)], 'exports', { get: () => original, set: () => undefined })
  }
  return openDataDirectory
}

/** A task begins where the consumer group's offset is, whatever its state says. */
const positionFromGroup: Variant = async () => async (config, ...more) => {
  const { groupOffsets } = await import('./group-offsets.ts')
  const directory = await openDataDirectory(config, ...more)
  const { log } = directory
  const openTask: Log['openTask'] = async (id) => {
    const store = await log.openTask(id)
    const [kind, processor, partition] = id.split('/')
    const state = new StateTable(store.state)
    const row = TaskRow.optional().parse(state.getOwn(taskRowKey))
    if (kind !== 'task' || row === undefined || config.kafka === null) return store
    const offset = await groupOffsets(config.kafka).get(processor!, Number(partition))
    state.putOwn(taskRowKey, { ...row, offset, index: 0, slicing: false })
    await store.commit({ appends: [], state: state.changes })
    return store
  }
  return { ...directory, close: () => directory.close(), log: { ...forwardedLog(log), openTask } }
}

/** The position, with the rest of the state, is committed before the outputs, which follow in a transaction of their own. */
const autoCommit: Variant = async (between) => {
  const { Transactor } = await import('../../src/adapters/log-kafka/transactor.ts')
  const write = Reflect.get<AnyTransactor, 'write'>(Transactor.prototype, 'write')
  Transactor.prototype.write = async function (items, input, before) {
    const isState = ({ topic }: { topic: string }): boolean => /\.state-[a-z]+$/.test(topic)
    const [outputs, state] = [items.filter((item) => !isState(item)), items.filter(isState)]
    if (input === null || outputs.length === 0 || state.length === 0) return await write.call(this, items, input, before)
    const first = await write.call(this, state, input, before)
    if (outputs.some(({ topic }) => topic.endsWith('.access'))) between()
    const second = await write.call(this, outputs, null, { offsets: () => undefined, commit: () => undefined })
    // the port's items have the outputs before the state
    return { offsets: [...second.offsets, ...first.offsets], ends: new Map([...second.ends, ...first.ends]), appendedMs: first.appendedMs }
  }
  return openDataDirectory
}

/** The sink inserts under whatever epoch is the newest. */
const oldEpoch: Variant = async () => withStore((store) => ({
  ...forwardedStore(store),
  insertRows: (table, rows, { equals }) => store.insertRows(table, rows, { sql: 'SELECT {guard_epoch:Int64}', params: { guard_epoch: equals }, equals }),
}))

/** The sink does not wait until its predecessor's inserts have landed. */
const impatientSink: Variant = async () => withStore((store) => ({ ...forwardedStore(store), settleMs: 0 }))

/** Not broken, but started wrongly: it takes all tasks and asks no group. */
const outsideTheGroup: Variant = async () => async (...args) => {
  const directory = await openDataDirectory(...args)
  return { ...directory, close: () => directory.close(), assignment: ownEverything(directory.log.partitions) }
}

export const variants = { idPerProcess, unrepaired, positionFromGroup, autoCommit, oldEpoch, impatientSink, outsideTheGroup } satisfies Record<string, Variant>
export type VariantName = keyof typeof variants
export const variantNames = Object.keys(variants) as VariantName[]

const forwardedStore = (store: Store): Store => ({
  settleMs: store.settleMs,
  query: (sql, params, row) => store.query(sql, params, row),
  command: (sql, params) => store.command(sql, params),
  insertRows: (table, rows, guard) => store.insertRows(table, rows, guard),
  close: () => store.close(),
})

const withStore = (change: (store: Store) => Store): Open => async (...args) => {
  const directory = await openDataDirectory(...args)
  return { ...directory, close: () => directory.close(), store: change(directory.store) }
}
