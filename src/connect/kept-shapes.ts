import { z } from 'zod'
import type { StreamOutcome } from './read-stream.ts'
import { Shape } from './shape.ts'
import type { Source } from './source.ts'

const key = 'shapes'

/** What the rows of each stream looked like in its last complete read. What can't be understood is not known: it is learned anew. */
export const keptShapes = (source: Source): Record<string, Shape> => z.record(z.string(), Shape).safeParse(source.kept(key)).data ?? {}

/** Of the checkpoint: what a complete read showed is what the next one is compared with. Nothing where no shape is another. */
export function newShapes(source: Source, streams: readonly StreamOutcome[]): [string, unknown][] {
  const known = keptShapes(source)
  const shapes = { ...known }
  for (const { name, verdict, shape } of streams) if (verdict !== 'partial' && shape !== null) shapes[name] = shape
  return JSON.stringify(shapes) === JSON.stringify(known) ? [] : [[key, shapes]]
}
