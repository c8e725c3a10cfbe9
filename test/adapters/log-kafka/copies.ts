import { createRequire } from 'node:module'
import type kafkajs from 'kafkajs'
import { repairKafkajs, type Repair } from '../../../src/adapters/log-kafka/repair.ts'

/** A copy of kafkajs of its own with these repairs only: what the conformance cases are shown to fail on. */
export function copyOfKafkajs(repairs: readonly Repair[]): typeof kafkajs {
  const require = createRequire(import.meta.url)
  for (const id of Object.keys(require.cache)) if (id.includes('/kafkajs/')) Reflect.deleteProperty(require.cache, id)
  repairKafkajs(require, repairs)
  return require('kafkajs') as typeof kafkajs
}
