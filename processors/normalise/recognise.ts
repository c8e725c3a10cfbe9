import type { Encoded } from '../../src/ports/processor.ts'
import { accountClasses } from './account.ts'
import { isStillShown, type Stretch } from './outlook.ts'
import type { Scope } from './scope.ts'
import { isShown, keyAt, sightingOf, type Sighting } from './shown.ts'
import { accountOf } from './stored.ts'
import { writtenUntil } from './written.ts'

/**
 * Whether a run shows of an account what the last one showed, told from the record's bytes. Then it was seen, and nothing else is to
 * be done, as observe.ts would find out; what may be behind our own writes is left to it. An account that is shown has an app that is known and not retired.
 */
export function recogniseAccount(scope: Scope, encoded: Encoded): boolean {
  scope.expected.unknown = ''
  // what lags behind is carried on by every record, which is not done here
  if (!scope.later.isEmpty) return false
  const sighting = sightingOf(encoded)
  if (sighting === null || sighting.run === null || sighting.gone) return false
  const { app, run, observed, classes } = sighting
  if (observed < writtenUntil(scope.context.state, app)) return false
  const ordinal = ordinalOf(scope, encoded, sighting)
  if (ordinal === null) return false
  const { runs, expected } = scope
  if (runs.isOpen(app, run)) runs.receive(app, accountClasses)
  runs.observe(app, 'accounts', ordinal, classes, run, observed)
  expected.app = app
  expected.ordinal = ordinal + 1
  return true
}

/** As `recogniseAccount`, of all of the stretch or of none. */
export function recogniseStretch(scope: Scope, stretch: Stretch): boolean {
  if (!scope.later.isEmpty) return false
  const { state, runs, expected } = scope
  const { app, run, observed, classes, ordinal, count } = stretch
  if (observed < writtenUntil(state, app) || !isStillShown(state, stretch)) return false
  if (runs.isOpen(app, run)) runs.receive(app, accountClasses, false, count)
  runs.observe(app, 'accounts', ordinal, classes, run, observed, count)
  expected.app = app
  expected.ordinal = ordinal + count
  expected.unknown = ''
  return true
}

/** Runs mostly show accounts in the order of the last one, so the next ordinal is tried first. Null where it was not shown so. */
function ordinalOf({ context: { state }, expected }: Scope, encoded: Encoded, sighting: Sighting): number | null {
  const { app } = sighting
  if (expected.app === app && isShown(state, app, expected.ordinal, encoded)) return expected.ordinal
  const key = keyAt(encoded, sighting)
  const row = key === null ? undefined : accountOf(state, key)
  expected.unknown = row === undefined && key !== null ? key : ''
  return row !== undefined && isShown(state, app, row.ordinal, encoded) ? row.ordinal : null
}
