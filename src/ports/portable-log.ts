import type { Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from './codec.ts'
import type { Log, Message } from './log.ts'

/**
 * A log that can be carried to another place whole: the same messages at the same offsets, the same states. Positions stand in
 * records, in ids that are digests of places and in states, so a log whose offsets changed would be another log.
 */
export interface PortableLog extends Log {
  /** What this log is being filled with, where that was begun and is not finished: until then nothing else may use it. */
  readonly filling: string | null
  /** Ids of all tasks that may hold state, in code point order. */
  taskIds(): Promise<string[]>
  /** Who else works on this log now, in words; null where nobody does. */
  others(): Promise<string | null>
  /** Begins to fill it with `source`, or goes on after a crash. The caller has seen that it is empty, or filled with the same source. */
  fill(source: string): Promise<Filling>
}

/** The numbers by which messages of a log name their schemas: taken from a schema's text, or given by a registry. */
export interface SchemaNumbers {
  /** reads and writes messages under these numbers */
  readonly codec: Codec
  /** Resolves when the schemas of these messages can be told. */
  meet(values: readonly Uint8Array[]): Promise<void>
  /** Undefined where nobody knows the number. */
  get(id: number): { topic: Topic; text: string } | undefined
  /** The number that is taken from the text, which is the same everywhere. */
  lasting(topic: Topic, text: string): number
  /** The number here, which messages may name from then on. */
  number(topic: Topic, text: string): Promise<number>
}

export interface Filling {
  /** Messages of one partition, each to stand at its own offset, beyond what is there. After an error some may be there, the first ones. */
  add(topic: Topic, partition: number, messages: readonly Message[]): Promise<void>
  /** The next append gets `end`, though the last message may lie further before it. */
  extend(topic: Topic, partition: number, end: number): Promise<void>
  /** All of it is there: from now on it is a log like any other, and the one of that id. */
  finish(id: string): Promise<void>
}
