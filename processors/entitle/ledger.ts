import type { IntentClass } from '../../schemas/settings.ts'
import type { IntentObject, Standing } from './objects.ts'
import { classOf } from './objects.ts'
import type { Scope } from './scope.ts'

/** A new object of the feed, seen by the run that shows it. Answers its ordinal. */
export function hold({ runs }: Scope, record: IntentObject): number {
  const name = classOf[record.type]
  const ordinal = runs.newOrdinal(record.feed, name)
  runs.hold(record.feed, name, 1)
  runs.observe(record.feed, name, ordinal, [name], record.run, record.observed)
  return ordinal
}

/** The feed does not have the object any more. */
export function letGo({ runs }: Scope, feed: string, name: IntentClass, ordinal: number): void {
  runs.dropOrdinal(feed, name, ordinal)
  runs.hold(feed, name, -1)
}

/** Whether more recent things are known: the object's newer facet, its removal, or a complete run that began later. */
export function isStale({ runs, objects }: Scope, record: IntentObject, row: Pick<Standing, 'ordinal' | 'gone' | 'observed'> | undefined): boolean {
  const name = classOf[record.type]
  const own = row?.observed ?? objects.removedAt(record.feed, name, record.id)
  const ordinal = row === undefined || row.gone ? null : row.ordinal
  return runs.isStale(record.feed, name, ordinal, own, record.observed)
}
