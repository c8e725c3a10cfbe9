import type { FaultPoint } from '../../src/core/fault.ts'

export interface Kill {
  point: FaultPoint
  nth: number
  after: FaultPoint | null
}

/** A start reaches them, the reading that it begins with and what follows on it, or what runs beside the writes: how far these are by then hangs on how fast others are. */
const beside: readonly FaultPoint[] = [
  'sink.before-claim', 'sink.after-claim', 'sink.before-insert', 'sink.after-insert', 'connect.before-page', 'connect.after-page',
  'runtime.between-slices',
]
/** A point that is reached more seldom in the midst may be missed there by a pass that goes a little differently. */
const few = 3

/**
 * Where processes are to be killed at a point, one after the other, so that it happens in the midst of writing: after the first call
 * and, a third of the way, well before the last result. Where that is nowhere the first is killed between two writes, and the one that
 * goes on with them a third of the way through the times that it reaches the point. `undisturbed`: all that such a pass reaches.
 */
export function killsAt(point: FaultPoint, undisturbed: readonly string[]): Kill[] {
  const midst = undisturbed.slice(undisturbed.indexOf('write.before-call'), undisturbed.lastIndexOf('write.after-result') + 1)
  const inMidst = (at: FaultPoint): Kill => ({ point: at, nth: Math.ceil(count(midst, at) / 3), after: 'write.before-call' })
  if (!beside.includes(point) && count(midst, point) >= few) return [inMidst(point)]
  return [inMidst('write.after-call'), { point, nth: Math.ceil(count(undisturbed, point) / 3), after: null }]
}

/** Results of writes that were told. */
export const resultsIn = (reached: readonly string[]): number => count(reached, 'write.after-result')

const count = (among: readonly string[], point: FaultPoint): number => among.filter((one) => one === point).length
