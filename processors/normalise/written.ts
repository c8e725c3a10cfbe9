import type { Written } from '../../schemas/wire/raw.ts'
import { accountKey } from '../../src/core/keys.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import type { Scope } from './scope.ts'

interface WrittenRow {
  /** stamps: what was begun to be read from `from` on and before `until` may not show our write */
  readonly from: number
  readonly until: number
}

/** We write to an account, or saw that it was written: windows only grow, so an older mark changes nothing. */
export function markWritten({ context, settings }: Scope, { app, id, observed, until }: Written): void {
  const state = settings.app(app)?.state
  if (state === undefined || state === 'retired') return
  const key = accountKey(app, id)
  const before = context.state.get<WrittenRow>('written', key)
  if (before !== undefined && before.until >= until) return
  context.state.put('written', key, { from: observed, until } satisfies WrittenRow)
  if (until > writtenUntil(context.state, app)) putHot(context.state, 'written-until', app, until)
}

/** From this stamp on nothing that is read of the app can be behind a write of ours; -1 where there was none. */
export const writtenUntil = (state: State, app: string): number => getHot<number>(state, 'written-until', app) ?? -1

/**
 * Whether what was begun to be read at `stamp` may not show our own write to this account yet. What began before the write is
 * behind it too: it may arrive later.
 */
export function isBehindWrite({ context }: Scope, app: string, key: string, stamp: number): boolean {
  if (stamp >= writtenUntil(context.state, app)) return false
  const row = context.state.get<WrittenRow>('written', key)
  return row !== undefined && stamp < row.until
}
