/**
 * Named places where a test may kill or stop the process, or make a call fail. Off unless armed; an unknown name can't be armed,
 * so that a renamed point fails the suite instead of silently never firing.
 */
export const faultPoints = [
  'runtime.before-process',
  'runtime.before-commit',
  'runtime.after-commit',
  'runtime.between-slices',
  'log.before-append',
  'log.after-append',
  'log.before-state',
  'log.after-state',
  'kafka.after-fence',
  'kafka.mid-restore',
  'kafka.mid-standby',
  'kafka.after-send',
  'kafka.after-offsets',
  'kafka.after-commit',
  'kafka.after-cache',
  'connect.before-page',
  'connect.after-page',
  'connect.before-commit',
  'connect.after-commit',
  'write.before-call',
  'write.after-call',
  'write.before-read-back',
  'write.before-result',
  'write.after-result',
  'sink.before-claim',
  'sink.after-claim',
  'sink.before-insert',
  'sink.after-insert',
] as const
export type FaultPoint = (typeof faultPoints)[number]

let handler: ((point: FaultPoint) => void) | undefined

/** Called by the code under test at each named place; free when nothing is armed. */
export function reach(point: FaultPoint): void {
  if (handler !== undefined) handler(point)
}

/** `null` disarms. */
export function armFaults(next: ((point: FaultPoint) => void) | null): void {
  handler = next ?? undefined
}
