import type { DataDirectory } from '../../src/data-directory.ts'
import type { Codec } from '../../src/ports/codec.ts'
import { forwardedLog } from '../../src/ports/forwarded-log.ts'
import type { Append, Log, TaskStore } from '../../src/ports/log.ts'
import type { Store } from '../../src/ports/store.ts'

/**
 * The product with one of its promises broken, so that the checker is seen to notice. Each calls `between` where a kill makes the
 * difference.
 */
export type Variant = (directory: DataDirectory, between: () => void) => DataDirectory

/** The position (with the rest of the state) is saved before the outputs, each in a transaction of its own. */
const positionFirst: Variant = (directory, between) => ({
  ...directory,
  close: () => directory.close(),
  log: withTasks(directory.log, (store) => ({
    id: store.id,
    state: store.state,
    isTakenOver: () => store.isTakenOver(),
    close: () => store.close(),
    async commit({ appends, state }) {
      await store.commit({ appends: [], state })
      if (appends.some(({ topic }) => topic === 'access')) between()
      return await store.commit({ appends, state: new Map() })
    },
  })),
})

/** The sink sends again what it does not know to have landed, without a look at what the tables hold. */
const blindSink: Variant = (directory, between) => {
  const { store } = directory
  const blind: Store = {
    settleMs: store.settleMs,
    query: async (sql, params, row) => (sql.includes('AS held_in') ? [] : await store.query(sql, params, row)),
    command: (sql, params) => store.command(sql, params),
    insertRows: async (table, rows, guard) => {
      await store.insertRows(table, rows, guard)
      if (table !== 'sink_epochs') between()
    },
    close: () => store.close(),
  }
  return { ...directory, close: () => directory.close(), store: blind }
}

/** The end of a run is believed whatever it says: what a broken read did not show is taken for gone. */
const verdictIgnored: Variant = (directory) => {
  const { codec } = directory
  return {
    ...directory,
    close: () => directory.close(),
    log: withTasks(directory.log, (store) => ({
      id: store.id,
      state: store.state,
      isTakenOver: () => store.isTakenOver(),
      close: () => store.close(),
      commit: ({ appends, state }) => store.commit({ appends: appends.map((append) => believed(codec, append)), state }),
    })),
  }
}

export const variants = { positionFirst, blindSink, verdictIgnored } satisfies Record<string, Variant>
export type VariantName = keyof typeof variants

function withTasks(log: Log, wrap: (store: TaskStore) => TaskStore): Log {
  return { ...forwardedLog(log), openTask: async (id) => wrap(await log.openTask(id)) }
}

function believed(codec: Codec, append: Append): Append {
  if (append.topic !== 'raw') return append
  const records = codec.decode('raw', append.value).map((record) =>
    record.type === 'RunEnd' ? { ...record, classes: record.classes.map((one) => ({ ...one, verdict: 'complete' as const, reason: null, place: null })) } : record,
  )
  return { ...append, value: codec.encode('raw', records) }
}
