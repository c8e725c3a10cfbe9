import type { SinkTopic } from './rows/tables.ts'

/** What one sink loop is responsible for. */
export interface Place {
  topic: SinkTopic
  partition: number
}

export const placeName = ({ topic, partition }: Place): string => `${topic}/${partition}`

/** Another sink owns the place now: this one must stop. Nothing of it lands any more. */
export class SinkFencedError extends Error {
  override name = 'SinkFencedError'
}

/** The tables hold what this log never had: they belong to another log. */
export class SinkMismatchError extends Error {
  override name = 'SinkMismatchError'
}
