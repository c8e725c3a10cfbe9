import { canonical, digest } from '../../src/core/canonical.ts'
import type { FindingKey } from './model.ts'

/** Names a finding for ever, wherever and whenever it is decided. */
export function findingId(home: string, { kind, app, account, entitlement, object }: FindingKey): string {
  return digest(canonical([kind, home, app, account, entitlement, object]))
}

/** Names it within its home; findings are handled in the order of this text. */
export function localName({ kind, app, account, entitlement, object }: FindingKey): string {
  return JSON.stringify([kind, app, account, entitlement, object])
}
