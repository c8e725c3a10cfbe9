import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

// for the workers and for every process that a test starts: starting costs half as much with the modules compiled already
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/grantline-tests', import.meta.url))

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/in-memory.ts'],
    setupFiles: ['test/support/watch-secrets.ts'],
    pool: 'forks',
    // two cores, and some suites wait more than they work
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
