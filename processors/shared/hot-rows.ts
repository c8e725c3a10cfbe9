import type { SharedState, State } from '../../src/ports/processor.ts'

/** Rows that nearly every record needs, read and written without copies where the runtime offers it. Their values are never changed. */
export function getHot<V>(state: State, table: string, key: string): V | undefined {
  return isShared(state) ? state.getShared<V>(table, key) : state.get<V>(table, key)
}

export function putHot(state: State, table: string, key: string, value: unknown): void {
  if (isShared(state)) state.putShared(table, key, value)
  else state.put(table, key, value)
}

/** Changes a row in place, or what `initial` makes where there is none. For rows that are read by nobody but their owner. */
export function editHot<V>(state: State, table: string, key: string, initial: () => V, change: (value: V) => void): void {
  const value = isShared(state) ? state.editShared<V>(table, key) : state.get<V>(table, key)
  const row = value ?? initial()
  change(row)
  if (value === undefined || !isShared(state)) putHot(state, table, key, row)
}

const isShared = (state: State): state is SharedState => 'getShared' in state
