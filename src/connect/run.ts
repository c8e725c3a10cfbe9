import { openRun, openRunOf, tellBegin } from './open-run.ts'
import { openSpool } from './resume.ts'
import { RunPublication, type PublicationOptions } from './run-publication.ts'
import { RunReading, type Begun, type ReadingOptions } from './run-reading.ts'
import type { RunResult } from './run-result.ts'

export interface SnapshotOptions extends ReadingOptions, PublicationOptions {
  dataDir: string
  /** goes into the transaction that begins the run */
  checkpoint?: ReadonlyMap<string, unknown>
}

/**
 * One complete read of an application, published whatever came of it: what was read is of use, and the manifests say what it
 * proves. Rejects on abort and where publishing fails; an error of the application is in the result.
 *
 * A run that a process left behind while it read is gone on with, where the session says that it can be and nothing has changed; any
 * other is closed as abandoned, and a new one begins.
 */
export async function runSnapshot(options: SnapshotOptions): Promise<RunResult> {
  const { source, settings, checkpoint = new Map<string, unknown>() } = options
  const { spool, point } = openSpool(options.dataDir, source.name, openRunOf(source), settings, source.clock.nowMs())
  let stays = (): boolean => false
  try {
    if (point !== null) source.stampAbove(point.stamp)
    const begun: Begun = point === null ? { run: source.nextRun(), begin: source.stamp() } : { run: point.run, begin: point.begin }
    await source.publish(point === null ? tellBegin(source, begun.run) : [], new Map([...checkpoint, openRun(begun.run)]))
    const reading = new RunReading(options, begun, spool, point)
    stays = () => reading.isSaved
    const read = await reading.read()
    stays = () => false
    spool.forget()
    return await new RunPublication(options, begun, read, spool).publish()
  } finally {
    if (stays()) spool.suspend()
    else spool.close()
  }
}
