import { join } from 'node:path'
import { z } from 'zod'
import { Verdict } from '../../schemas/wire/common.ts'
import { ConnectError, type ErrorClass, type Stream } from '../ports/connector.ts'
import { type StreamOutcome, StreamPoint } from './read-stream.ts'
import { Spool } from './spool.ts'

/** A run that is older is begun again: what it read first would be too old. */
const longestMs = 86_400_000

const Finished = z.strictObject({
  name: z.string(),
  classes: z.array(z.enum(['accounts', 'memberships', 'grants', 'credentials', 'definitions'])),
  verdict: Verdict,
  reason: z.string().nullable(),
  place: z.string().nullable(),
  pages: z.int(),
  read: z.int(),
  declared: z.int().nullable(),
  moved: z.boolean(),
  rejected: z.int(),
  asOf: z.number(),
  error: z.strictObject({ class: z.string(), message: z.string(), place: z.string() }).nullable(),
})

/** Where a run can be gone on with. Version 1; any other, a damaged one, or one that does not fit, and the run begins again. */
const RunPoint = z.strictObject({
  version: z.literal(1),
  run: z.int(),
  /** of the application's settings: with others, other things would be read */
  settings: z.string(),
  /** names of the streams, in order */
  streams: z.array(z.string()),
  begin: z.number(),
  /** the last that was given out, µs */
  stamp: z.number(),
  /** ms since 1970 */
  at: z.int(),
  finished: z.array(Finished),
  /** of the stream after the finished ones; null: at its beginning */
  point: StreamPoint.nullable(),
})
export type RunPoint = z.infer<typeof RunPoint>

interface LeftRun {
  spool: Spool
  point: RunPoint | null
}

/** The spool of an application's run: with what run number `open` left behind, or empty. */
export function openSpool(dataDir: string, app: string, open: number | null, settings: string, nowMs: number): LeftRun {
  const directory = join(dataDir, 'spool')
  const spool = reopened(directory, app)
  const point = pointOf(spool)
  if (point !== null && point.run === open && point.settings === settings && nowMs - point.at < longestMs) return { spool, point }
  spool.close()
  return { spool: reopened(directory, app), point: null }
}

/** A file that is damaged is thrown away; one that a predecessor still holds is left to it. */
function reopened(directory: string, app: string): Spool {
  try {
    return new Spool(directory, app)
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) return new Spool(directory)
    Spool.remove(directory, app)
    return new Spool(directory, app)
  }
}

function pointOf(spool: Spool): RunPoint | null {
  const text = spool.point
  try {
    return text === null ? null : (RunPoint.safeParse(JSON.parse(text)).data ?? null)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

export const finishedOf = (outcomes: readonly StreamOutcome[]): RunPoint['finished'] =>
  outcomes.map(({ shape: _shape, shapeChanges: _changes, error, classes, ...rest }) => ({
    ...rest, classes: [...classes], error: error === null ? null : { class: error.class, message: error.message, place: error.place },
  }))

/** Null where the session has other streams now. */
export function outcomesOf({ streams, finished }: RunPoint, session: readonly Stream[]): StreamOutcome[] | null {
  if (JSON.stringify(streams) !== JSON.stringify(session.map(({ name }) => name))) return null
  return finished.map(({ error, ...rest }) => ({
    ...rest, shape: null, shapeChanges: [], error: error === null ? null : new ConnectError(error.class as ErrorClass, error.message, error.place),
  }))
}
