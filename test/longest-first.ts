import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Suites that take minutes, the longest first; most of their time they wait. Begun last, they would run on alone. */
const long = ['test/chaos/', 'test/e2e/', 'test/crash/', 'test/deploy/', 'test/move/', 'test/cli/cli.test.ts', 'test/connectors/keycloak/', 'test/adapters/log-kafka/']

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((name) => moduleId.includes(`/${name}`))
      return found < 0 ? long.length : found
    }
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}
