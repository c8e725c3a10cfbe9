import type { Context, State } from '../../src/ports/processor.ts'

export interface InContext {
  readonly context: Context
  /** the context's, which moves on with the transaction while this does not */
  readonly state: State
}

/** The tables of one transaction serve all its records. `caches.scope`: what the last record worked on. */
export function keptScope<S extends InContext>(context: Context, caches: { scope: S | null }, tablesOf: (state: State) => Omit<S, keyof InContext>): S {
  const { state } = context
  const last = caches.scope
  if (last !== null && last.state === state && last.context === context) return last
  const tables = last?.state === state ? last : tablesOf(state)
  return (caches.scope = { ...tables, state, context } as S)
}
