import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { HeldRun, Runs } from './runs.ts'

/**
 * Removal by absence, one class of one ended run at a time, in slices: first everything absent is counted, then the brake decides,
 * then absences are applied or held. No other record is processed in between, so the count is what is applied.
 */
export interface AbsencePass {
  readonly source: string
  readonly class: string
  readonly run: number
  readonly begin: number
  readonly slot: number
  /** objects that the run did not show in this class either are left to its own pass (an absent account's facets go with it) */
  readonly covered: string | null
  /** the run showed none at all of those whom its source is about, though there were some; not told of a pass that an older release began */
  readonly emptied: boolean
  readonly phase: 'count' | 'apply'
  /** key of the last object looked at */
  readonly after: string | null
  readonly absent: number
  /** of these, how many are not among those that are held of an earlier run; not told of a pass that an older release began */
  readonly news: number
}

/** One object of the class: `observed` is its own stamp; null where it has nothing in this class. */
export interface Holding {
  readonly ordinal: number
  readonly observed: number | null
}

/** The objects of a class as their owner stores them; keys are any text. */
export interface Objects {
  /** every object of the class's space in a fixed order, strictly after `after` */
  range(after: string | null): Iterable<readonly [key: string, holding: Holding]>
  /** The object is absent: remove what it has in this class, or ask for it. */
  absent(key: string): void
}

/**
 * Removed are at most `maxAbsent / divisor` objects, and no more than `maxAbsentShare` of what is held where that is over 2: of so few no
 * share says anything. But a run that emptied its source has none of all that there were, in whatever partition: a share of 1 alone
 * lets that pass.
 */
export interface BrakeLimits {
  readonly maxAbsent: number
  readonly maxAbsentShare: number
  /** number of partitions that the class's objects are spread over */
  readonly divisor: number
}

/** That absences are held, or no longer are. */
export interface HeldNews {
  readonly held: boolean
  readonly absences: HeldRun
}

/** `tell`: what was not told before. */
export type PassOutcome =
  | { done: false; pass: AbsencePass }
  | { done: true; held: HeldRun | null; absent: number; tell: HeldNews | null }

/** `covered`, `emptied`: see AbsencePass. The run must prove absence in this class. */
export function startPass(
  source: string,
  name: string,
  { run, begin, slot }: Pick<HeldRun, 'run' | 'begin' | 'slot'>,
  covered: string | null,
  emptied: boolean,
): AbsencePass {
  return { source, class: name, run, begin, slot, covered, emptied, phase: 'count', after: null, absent: 0, news: 0 }
}

/** Applies what is held of that run, or of an earlier one that showed the same, without asking the brake again; null if nothing of it is held in this class. */
export function releasePass(runs: Runs, source: string, name: string, run: number): AbsencePass | null {
  const held = runs.heldOf(source, name)
  if (held === null || run < held.run || run > (held.last ?? held.run)) return null
  const { begin, slot, covered } = held
  return { source, class: name, run: held.run, begin, slot, covered, emptied: false, phase: 'apply', after: null, absent: 0, news: 0 }
}

/**
 * Whether a run showed nothing of the class, in any partition: each of them has the whole manifest, whose counts are of all that was sent,
 * unchanged and rejected records too.
 */
export const showsNone = ({ counts }: ClassManifest): boolean => counts.every((count) => count === 0)

/** Whether so many absences are more than a run may apply unasked. `emptied`: see AbsencePass. */
export function brakes(absent: number, present: number, limits: BrakeLimits, emptied: boolean): boolean {
  if (absent > limits.maxAbsent / limits.divisor) return true
  return emptied ? limits.maxAbsentShare < 1 : absent > 2 && absent > limits.maxAbsentShare * present
}

/** One slice of about `budget` objects. The caller stores the pass that is answered and comes back with it until done. */
export function continuePass(runs: Runs, pass: AbsencePass, objects: Objects, limits: BrakeLimits, budget: number): PassOutcome {
  let { after, absent, news } = pass
  const held = pass.phase === 'count' ? runs.heldOf(pass.source, pass.class) : null
  let left = budget
  const first = pass.phase === 'count' && after === null
  if (first && runs.sawAll(pass.source, pass.class, pass)) return endPass(runs, pass, limits)
  for (const [key, holding] of objects.range(after)) {
    if (left-- <= 0) return { done: false, pass: { ...pass, after, absent, news } }
    after = key
    if (!isAbsent(runs, pass, holding)) continue
    absent++
    if (held !== null && !isAbsent(runs, { ...pass, ...held }, holding)) news++
    if (pass.phase === 'apply') objects.absent(key)
  }
  return endPass(runs, { ...pass, absent, news }, limits)
}

/** Every object of the class was looked at. */
function endPass(runs: Runs, pass: AbsencePass, limits: BrakeLimits): PassOutcome {
  const { absent } = pass
  const before = runs.heldOf(pass.source, pass.class)
  if (pass.phase === 'count' && absent > 0) {
    const present = runs.holds(pass.source, pass.class)
    if (!brakes(absent, present, limits, pass.emptied)) return { done: false, pass: { ...pass, phase: 'apply', after: null, absent: 0 } }
    const { run, begin, slot, covered } = pass
    // a person who looks at a run needs the time to: it stays the one that is held while later runs show the same
    const since = before !== null && pass.news === 0 ? before : { run, begin, slot, covered }
    const held: HeldRun = { ...since, last: run, absent, present }
    runs.setHeld(pass.source, pass.class, held)
    return { done: true, held, absent: 0, tell: isHeldAnew(held, before) ? { held: true, absences: held } : null }
  }
  if (before !== null) runs.setHeld(pass.source, pass.class, null)
  return { done: true, held: null, absent, tell: before === null ? null : { held: false, absences: before } }
}

/** Whether it is not what was told to be held before. */
const isHeldAnew = (held: HeldRun, before: HeldRun | null): boolean =>
  before === null || held.run !== before.run || held.absent !== before.absent || held.present !== before.present

function isAbsent(runs: Runs, pass: AbsencePass, { ordinal, observed }: Holding): boolean {
  if (observed === null || observed >= pass.begin) return false
  if (runs.wasSeen(pass.source, pass.class, pass, ordinal)) return false
  return pass.covered === null || runs.wasSeen(pass.source, pass.covered, pass, ordinal)
}
