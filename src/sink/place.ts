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

/** The tables are another log's, or hold what this one does not have any more. */
export class SinkMismatchError extends Error {
  override name = 'SinkMismatchError'
}
