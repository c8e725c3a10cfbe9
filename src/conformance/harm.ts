import { Fault } from '../hostile/fault.ts'
import { World } from '../hostile/world.ts'
import type { Subject } from './kit.ts'
import type { Expected, Scenario } from './scenario.ts'

/** What is done to an application before it is read, from outside. */
class Harm extends Fault {
  readonly #harm: () => boolean

  /** `harm`: false where it found nothing to act on. */
  constructor(name: string, harm: () => boolean) {
    super(name, { times: 0 }, () => null)
    this.#harm = harm
  }

  do(): void {
    if (this.#harm()) this.fired += 1
  }
}

export const harming = (name: string, expected: Expected, harm: () => boolean): Scenario => ({
  name, expected, needs: [], faults: () => [new Harm(name, harm)],
})

/** An application whose scenarios are harms. `restore`: what it holds is as it was at the beginning. */
export const harmedSubject = (name: string, app: Subject['app'], restore: () => void): Subject => ({
  name, app, traits: new Set(),
  arm(make) {
    restore()
    const faults = make(World.corpus(0))
    for (const fault of faults) if (fault instanceof Harm) fault.do()
    return faults
  },
  heal: restore,
  stop: async () => undefined,
})
