import { ESLint } from 'eslint'
import { beforeAll, describe, expect, it } from 'vitest'

/** A rule that never fires is no rule: each planted violation must be reported, and its innocent twin must not. */
let eslint: ESLint
beforeAll(() => {
  eslint = new ESLint({ cwd: process.cwd() })
})

const planted: { title: string; file: string; code: string; rule: string }[] = [
  { title: 'a processor imports a node: module', file: 'processors/normalise/normalise.ts', code: `import { readFileSync } from 'node:fs'\nreadFileSync('x')\n`, rule: 'no-restricted-imports' },
  { title: 'a processor imports a package', file: 'processors/normalise/normalise.ts', code: `import { pino } from 'pino'\npino()\n`, rule: 'no-restricted-imports' },
  { title: 'a processor imports an adapter', file: 'processors/normalise/normalise.ts', code: `import { x } from '../../src/adapters/log-embedded/log.ts'\nx()\n`, rule: 'no-restricted-imports' },
  { title: 'a processor imports the runtime', file: 'processors/normalise/normalise.ts', code: `import { x } from '../../src/runtime/task.ts'\nx()\n`, rule: 'no-restricted-imports' },
  { title: 'a processor reads the clock', file: 'processors/normalise/normalise.ts', code: `export const now = (): number => Date.now()\n`, rule: 'no-restricted-syntax' },
  { title: 'a processor draws a random number', file: 'processors/normalise/normalise.ts', code: `export const roll = (): number => Math.random()\n`, rule: 'no-restricted-syntax' },
  { title: 'a processor folds case by the engine', file: 'processors/normalise/normalise.ts', code: `export const fold = (s: string): string => s.toLowerCase()\n`, rule: 'no-restricted-syntax' },
  { title: 'core imports a port', file: 'src/core/keys.ts', code: `import type { Log } from '../ports/log.ts'\nexport type X = Log\n`, rule: 'no-restricted-imports' },
  { title: 'a port imports the runtime', file: 'src/ports/log.ts', code: `import type { X } from '../runtime/task.ts'\nexport type Y = X\n`, rule: 'no-restricted-imports' },
  { title: 'a connector imports another connector', file: 'connectors/csv/connector.ts', code: `import { x } from '../sql/connector.ts'\nx()\n`, rule: 'no-restricted-imports' },
  { title: 'a connector imports an adapter', file: 'connectors/csv/connector.ts', code: `import { x } from '../../src/adapters/log-embedded/log.ts'\nx()\n`, rule: 'no-restricted-imports' },
  { title: 'the runtime imports an adapter', file: 'src/runtime/task.ts', code: `import { x } from '../adapters/log-embedded/log.ts'\nx()\n`, rule: 'no-restricted-imports' },
  { title: 'an adapter imports kafkajs as it is published', file: 'src/adapters/log-kafka/reader.ts', code: `import { Kafka } from 'kafkajs'\nexport const kafka = new Kafka({ brokers: [] })\n`, rule: '@typescript-eslint/no-restricted-imports' },
  { title: 'the command line imports the whole', file: 'src/cli/main.ts', code: `import { openLog } from '../data-directory.ts'\nvoid openLog\n`, rule: '@typescript-eslint/no-restricted-imports' },
  { title: 'a question imports the tables', file: 'src/cli/with-api.ts', code: `import { localApi } from '../http/local-api.ts'\nvoid localApi\n`, rule: '@typescript-eslint/no-restricted-imports' },
  { title: 'a barrel file is imported', file: 'src/runtime/task.ts', code: `import { x } from '../core/index.ts'\nx()\n`, rule: 'no-restricted-imports' },
]

async function rulesFired(file: string, code: string): Promise<string[]> {
  const results = await eslint.lintText(code, { filePath: file })
  return results.flatMap((result) => result.messages.map((message) => message.ruleId ?? `fatal: ${message.message}`))
}

describe('import rules', () => {
  it.each(planted)('refuse it when $title', async ({ file, code, rule }) => {
    expect(await rulesFired(file, code)).toContain(rule)
  })

  it('allow what the layers promise', async () => {
    const code = `import type { Context } from '../../src/ports/processor.ts'\nimport { compareKeys } from '../../src/core/order.ts'\nexport const use = (c: Context): number => compareKeys('a', String(c.now))\n`
    expect(await rulesFired('processors/normalise/normalise.ts', code)).toEqual([])
  })
})
