import { type BenchOptions, SkippingClock } from '../../src/conformance/bench.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { Lab } from '../connect/lab.ts'
import { env } from './subjects.ts'

/** A log in memory and a directory for one subject; waits take no time. */
export class Workbench {
  readonly #lab = new Lab(1)

  get options(): BenchOptions {
    const { log, codec, dataDir } = this.#lab
    return { log, codec, clock: new SkippingClock(systemClock), env, baseDir: dataDir, dataDir }
  }

  dispose(): void {
    this.#lab.dispose()
  }
}
