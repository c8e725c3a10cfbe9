import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type kafkajs from 'kafkajs'
import { afterAll } from 'vitest'
import { repairKafkajs, type Repair } from '../../../src/adapters/log-kafka/repair.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-kafkajs-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
let copies = 0

/**
 * The way to a copy of kafkajs of its own with these repairs only. Its files are copied too: kafkajs loads many of its parts when it first needs them, and
 * of two copies of the same files one would get parts of the other.
 */
export function requireOfCopy(repairs: readonly Repair[]): NodeJS.Require {
  const home = join(directory, String(++copies))
  const published = dirname(createRequire(import.meta.url).resolve('kafkajs/package.json'))
  cpSync(published, join(home, 'node_modules', 'kafkajs'), { recursive: true, dereference: true })
  const require = createRequire(join(home, 'main.js'))
  repairKafkajs(require, repairs)
  return require
}

/** What the conformance cases are shown to fail on. */
export const copyOfKafkajs = (repairs: readonly Repair[]): typeof kafkajs => requireOfCopy(repairs)('kafkajs') as typeof kafkajs
