import type { Scenario, Trait } from './scenario.ts'
import { pagingScenarios } from './scenarios-paging.ts'
import { rowScenarios } from './scenarios-rows.ts'
import { transportScenarios } from './scenarios-transport.ts'

/** Everything that is known to go wrong while an application is read by HTTP. */
export const scenarios: readonly Scenario[] = [...transportScenarios, ...pagingScenarios, ...rowScenarios]

export const scenariosFor = (traits: ReadonlySet<Trait>): Scenario[] => scenarios.filter(({ needs }) => needs.every((need) => traits.has(need)))
