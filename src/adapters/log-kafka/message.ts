import type { Message } from '../../ports/log.ts'
import type { RawMessage } from './internals.ts'

/** A `Date` is at most so far from the Unix epoch, ms. */
const furthestMs = 8.64e15

/** What lies on the brokers as the port has it: strangers, and they only, may have written nanoseconds where milliseconds belong. */
export const messageOf = ({ offset, key, timestamp, value }: RawMessage): Message => ({
  offset: Number(offset),
  key: key === null ? null : key.toString('utf8'),
  timestamp: Math.abs(Number(timestamp)) <= furthestMs ? Number(timestamp) : 0,
  value: value ?? new Uint8Array(),
})
