import type { Finding } from '../../schemas/wire/results.ts'
import type { RemedySetting } from '../../schemas/settings.ts'
import { sourceHome } from '../../src/core/keys.ts'
import type { Context } from '../../src/ports/processor.ts'
import { findingId } from '../reconcile/finding-id.ts'
import type { Book } from './book.ts'
import type { AppRow } from './model.ts'

/** The window is counted in this many slots: what was sent leaves it a slot late at the most, never early. */
const slots = 24

/** Whether the removals of the window, done and planned, are more than a person should see done unasked. */
export function trips(row: AppRow, { brake }: RemedySetting, now: number): boolean {
  if (row.passUntil !== null && now < row.passUntil) return false
  if (row.planned === 0) return false
  const removals = row.planned + sentSince(row, now - brake.windowSeconds * 1_000)
  if (removals > brake.maxRemovals) return true
  return row.accounts !== null && removals > 2 && removals > row.accounts * brake.maxRemovalShare
}

/** One more removal is on its way; what left the window is forgotten. */
export function countSent(row: AppRow, { brake }: RemedySetting, now: number): AppRow {
  const slotMs = Math.ceil((brake.windowSeconds * 1_000) / slots)
  const from = Math.floor(now / slotMs) * slotMs
  const kept = row.sent.filter(([begin]) => begin + slotMs > now - brake.windowSeconds * 1_000 && begin !== from)
  const here = row.sent.find(([begin]) => begin === from)?.[1] ?? 0
  return { ...row, sent: [...kept, [from, here + 1]] }
}

function sentSince({ sent }: AppRow, since: number): number {
  return sent.reduce((sum, [from, count]) => (from > since ? sum + count : sum), 0)
}

/** Opens, changes or closes the finding that says what the brake holds, as it has come to stand. */
export function tellBrake(context: Context, book: Book, app: string): void {
  const row = book.app(app)
  const { brake, held } = row
  if (held === brake.told) return
  const home = sourceHome(app)
  const key = { kind: 'held-removals' as const, app, account: null, entitlement: null, object: null }
  const opened = held === 0 ? null : (brake.opened ?? context.now)
  const since = brake.since === 0 ? context.now : brake.since
  const change = held === 0 ? 'closed' : brake.opened !== null ? 'changed' : brake.since === 0 ? 'opened' : 'reopened'
  const finding: Finding = {
    type: 'Finding', id: findingId(home, key), ...key, severity: 'high', change, home, identity: null, since, opened: opened ?? brake.opened ?? context.now,
    closedAs: held === 0 ? 'resolved' : null, successor: null, detail: heldDetail(app, held), valid: null, observed: null,
    decided: context.now, causes: [context.position], cause: context.position,
  }
  context.emit('findings', home, finding)
  book.putApp(app, { ...row, brake: { since, opened, told: held } })
}

function heldDetail(app: string, held: number): string {
  if (held === 0) return `No planned removals of ${app} are held any more.`
  const what = held === 1 ? '1 planned removal' : `${held} planned removals`
  return `${what} in ${app} would be more than its brake allows: held until a person releases them (grantline actions release ${app}).`
}
