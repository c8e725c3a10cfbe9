import type { Kafka as KafkaClient, logLevel as Level, RetryOptions, SASLOptions } from 'kafkajs'
import type { ConnectionOptions } from 'node:tls'
import { Kafka, logLevel } from './kafkajs.ts'

export type LogLine = (level: 'warn' | 'info' | 'debug', message: string, fields: Readonly<Record<string, unknown>>) => void

export interface ClientOptions {
  /** host:port */
  brokers: readonly string[]
  tls: ConnectionOptions | null
  sasl: SASLOptions | null
  log: LogLine
}

/** Of one request; whoever calls decides what happens after that. */
export const retry: Required<Pick<RetryOptions, 'retries' | 'initialRetryTime' | 'maxRetryTime'>> = { retries: 12, initialRetryTime: 20, maxRetryTime: 1_000 }

/** How long an answer may take; the connection is closed then. */
export const requestTimeoutMs = 30_000

/**
 * Producers and readers take one each: the clients of one instance share what they take for committed offsets, before it is.
 * kafkajs calls an error what it is about to try again: its lines are one level lower here.
 */
export function createClient({ brokers, tls, sasl, log }: ClientOptions, name: string): KafkaClient {
  return new Kafka({
    clientId: `grantline-${name}`,
    brokers: [...brokers],
    connectionTimeout: 5_000,
    requestTimeout: requestTimeoutMs,
    retry,
    ...(tls === null ? {} : { ssl: tls }),
    ...(sasl === null ? {} : { sasl }),
    logLevel: logLevel.INFO,
    logCreator: () => ({ namespace, level, log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } }) => {
      log(levelOf(level, message), `kafka: ${namespace}: ${message}`, fields)
    },
  })
}

function levelOf(level: Level, message: string): 'warn' | 'info' | 'debug' {
  if (/transaction.*concurrent|concurrent.*transaction|ongoing transaction/i.test(message)) return 'debug'
  return level === logLevel.ERROR ? 'warn' : level === logLevel.WARN ? 'info' : 'debug'
}
