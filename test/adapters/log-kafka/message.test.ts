import { describe, expect, it } from 'vitest'
import { messageOf } from '../../../src/adapters/log-kafka/message.ts'

const timeOf = (timestamp: string): number => messageOf({ offset: '7', key: null, timestamp, value: Buffer.of(1), isControlRecord: false }).timestamp

describe('the timestamp of a message on the brokers', () => {
  it.each([
    ['of milliseconds', '1767225600000', 1_767_225_600_000],
    ['that the producer did not give', '-1', -1],
    ['of microseconds, which are milliseconds of a far time', '1767225600000000', 1_767_225_600_000_000],
    ['as late as a date may be', '8640000000000000', 8_640_000_000_000_000],
  ])('%s is what it says', (_, timestamp, ms) => {
    expect(timeOf(timestamp)).toBe(ms)
  })

  it.each([
    ['one after the last date', '8640000000000001'],
    ['one before the first date', '-8640000000000001'],
    ['one of nanoseconds', '1767225600000000000'],
    ['the largest', '9223372036854775807'],
  ])('is 0 where it is no time: %s', (_, timestamp) => {
    expect(timeOf(timestamp)).toBe(0)
  })
})
