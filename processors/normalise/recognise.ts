import type { Encoded } from '../../src/ports/processor.ts'
import { accountClasses } from './account.ts'
import { isStillShown, type Stretch } from './outlook.ts'
import type { Scope } from './scope.ts'
import { isShown, keyAt, sightingOf, type Sighting } from './shown.ts'
import { accountOf } from './stored.ts'
import { writtenUntil } from './written.ts'

/**
 * Whether a run shows of an account what the last one showed, told from the record's bytes. Then it was seen, and nothing else is to
 * be done, as observe.ts would find out; what may be behind our own writes is left to it, and so is all where work lags behind, since each record
 * carries some of that on. An account that is shown has an app that is known and not retired.
 */
export function recogniseAccount(scope: Scope, encoded: Encoded): boolean {
  scope.lookedFor.unknown = ''
  if (!scope.later.isEmpty) return false
  const sighting = sightingOf(encoded)
  if (sighting === null || sighting.run === null || sighting.gone || mayBeBehindWrite(scope, sighting)) return false
  const ordinal = ordinalOf(scope, encoded, sighting)
  if (ordinal === null) return false
  noteShown(scope, { ...sighting, run: sighting.run, ordinal, count: 1 })
  return true
}

/** As `recogniseAccount`, of all of the stretch or of none. */
export function recogniseStretch(scope: Scope, stretch: Stretch): boolean {
  if (!scope.later.isEmpty || mayBeBehindWrite(scope, stretch) || !isStillShown(scope.state, stretch)) return false
  scope.lookedFor.unknown = ''
  noteShown(scope, stretch)
  return true
}

const mayBeBehindWrite = ({ state }: Scope, { app, observed }: Pick<Stretch, 'app' | 'observed'>): boolean => observed < writtenUntil(state, app)

function noteShown({ runs }: Scope, { app, run, observed, classes, ordinal, count }: Omit<Stretch, 'at' | 'pages'>): void {
  if (runs.isOpen(app, run)) runs.receive(app, accountClasses, false, count)
  runs.observe(app, 'accounts', ordinal, classes, run, observed, count)
}

/** Null where it was not shown so. */
function ordinalOf({ state, lookedFor }: Scope, encoded: Encoded, sighting: Sighting): number | null {
  const key = keyAt(encoded, sighting)
  const row = key === null ? undefined : accountOf(state, key)
  lookedFor.unknown = row === undefined && key !== null ? key : ''
  return row !== undefined && isShown(state, sighting.app, row.ordinal, encoded) ? row.ordinal : null
}
