import { sourceHome } from '../../src/core/keys.ts'
import type { Context } from '../../src/ports/processor.ts'
import type { HeldNews } from './absences.ts'

/** Tells facts that this partition holds absences of a source's class back, or no longer does. */
export function tellHeld(context: Context, source: string, name: string, { held, absences: { run, absent, present } }: HeldNews): void {
  const home = sourceHome(source)
  context.emit('facts', home, {
    type: 'Held', home, source, run, class: name, writer: context.partition, held, absent, present, cause: context.position,
  })
}
