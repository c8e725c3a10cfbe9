import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileCodec } from '../adapters/codec/avro-codec.ts'
import { openLog } from '../data-directory.ts'
import { type BenchOptions, SkippingClock } from '../conformance/bench.ts'
import type { Result } from '../conformance/kit.ts'
import { systemClock } from '../runtime/clock.ts'

export interface Trial {
  name: string
  run: () => Promise<Result>
}

/** A log and a directory for as long as `use` takes. */
export async function withBench<T>(env: BenchOptions['env'], baseDir: string, use: (options: BenchOptions) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'grantline-conformance-'))
  const log = await openLog(join(directory, 'log'), 1, 'process')
  try {
    return await use({ log, codec: createFileCodec(log.schemas), clock: new SkippingClock(systemClock), env, baseDir, dataDir: directory })
  } finally {
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** One after another, a line for each; answers how many failed. */
export async function runAll(trials: readonly Trial[]): Promise<number> {
  let failed = 0
  let idle = 0
  for (const { name, run } of trials) {
    const { wrong, said, fired } = await run()
    // There may be nothing that this fault could be done to.
    if (fired === 0) {
      idle += 1
      continue
    }
    if (wrong.length > 0) failed += 1
    console.log(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${name}${said === 'complete' || said === 'read' ? '' : ` (${said})`}`)
    for (const what of wrong) console.log(`         ${what}`)
  }
  console.log(`${trials.length - idle - failed} passed, ${failed} failed; ${idle} found nothing to act on`)
  return failed
}
