import type { Scenario, Trait } from './scenario.ts'
import { pagingScenarios } from './scenarios-paging.ts'
import { rowScenarios } from './scenarios-rows.ts'
import { transportScenarios } from './scenarios-transport.ts'

/** Everything that is known to go wrong while an application is read by HTTP. */
export const scenarios: readonly Scenario[] = [...transportScenarios, ...pagingScenarios, ...rowScenarios]

const those = (all: readonly Scenario[], traits: ReadonlySet<Trait>): Scenario[] => all.filter(({ needs }) => needs.every((need) => traits.has(need)))

export const scenariosFor = (traits: ReadonlySet<Trait>): Scenario[] => those(scenarios, traits)
/** For lists of which nothing but the connection can be broken without the data. */
export const transportScenariosFor = (traits: ReadonlySet<Trait>): Scenario[] => those(transportScenarios, traits)
