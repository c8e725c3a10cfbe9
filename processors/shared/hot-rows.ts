import type { SharedState, State } from '../../src/ports/processor.ts'

/** Rows that nearly every record needs, read and written without copies where the runtime offers it. Their values are never changed. */
export function getHot<V>(state: State, table: string, key: string): V | undefined {
  return isShared(state) ? state.getShared<V>(table, key) : state.get<V>(table, key)
}

export function putHot(state: State, table: string, key: string, value: unknown): void {
  if (isShared(state)) state.putShared(table, key, value)
  else state.put(table, key, value)
}

const isShared = (state: State): state is SharedState => 'getShared' in state
