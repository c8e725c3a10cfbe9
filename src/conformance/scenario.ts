import { type Effect, Fault, type When } from '../hostile/fault.ts'
import type { World } from '../hostile/world.ts'

/**
 * What a scenario needs of the application. `http`: it is asked by HTTP. `pages`: lists come in several. `total`: it counts its rows.
 * `chain`: each page leads to the next. `position`: pages begin at a position or number. `world`: its data can be changed while it is
 * read. `renewable`: the connector can get a new token. `own-lists`: members are listed group by group,
 * `own-totals`: and counted so. `names`: a mapping needs a name.
 * `expiry`: the application can say that a cursor is no longer known. `impatient`: its client waits for a second at most.
 */
export type Trait = 'http' | 'pages' | 'total' | 'chain' | 'position' | 'world' | 'renewable' | 'own-lists' | 'own-totals' | 'names' | 'expiry' | 'impatient'

/**
 * `exact`: everything is read all the same. `partial`: a loss, named. `safe`: either of the two, by how the application is paged; never
 * a loss that nobody is told of. `refused`: rows are rejected, each with a dead letter, and the rest is exact or a named loss.
 */
export type Expected = 'exact' | 'partial' | 'safe' | 'refused'

export interface Scenario {
  readonly name: string
  readonly expected: Expected
  readonly needs: readonly Trait[]
  /** the application's data stays odd afterwards: the next run may name the same loss again */
  readonly lasting?: boolean
  faults(world: World): Fault[]
}

/** Something is done to answers. */
export const wire = (name: string, expected: Expected, needs: readonly Trait[], when: When, what: Effect): Scenario => ({
  name, expected, needs, faults: () => [new Fault(name, when, what)],
})

/** Something happens to the application's own data. */
export const inside = (name: string, expected: Expected, needs: readonly Trait[], when: When, what: (world: World) => Effect): Scenario => ({
  name, expected, needs: ['world', ...needs], faults: (world) => [new Fault(name, when, what(world))],
})
