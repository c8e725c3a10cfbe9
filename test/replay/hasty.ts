import { Topology, type TopologyOptions } from '../support/topology.ts'

/** Gives each task a few steps only, however much is left. */
export class Hasty extends Topology {
  readonly #steps: number

  constructor(steps: number, options: TopologyOptions) {
    super(options)
    this.#steps = steps
  }

  override async drain(): Promise<void> {
    for (const task of this.tasks) for (let step = 0; step < this.#steps; step++) await task.step()
  }
}
