import type { Position } from '../../schemas/wire/common.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { partitionOf } from '../core/partition.ts'
import { type Codec, CodecError } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Source } from './source.ts'

type Command = Extract<RecordOf<'commands'>, { type: 'Command' }>
export type Delivery = Extract<RecordOf<'commands'>, { type: 'Delivery' }>

const positionKey = 'commands'
const limits = { maxMessages: 256, maxBytes: 2 ** 20 }

export interface Asked {
  command: Command
  position: Position
}

export interface CommandBatch {
  asked: Asked[]
  /** webhooks, in the order they arrived */
  deliveries: Delivery[]
  /** undecodable messages on the way */
  damaged: string[]
  /** goes into the transaction that carries the commands' results */
  checkpoint: ReadonlyMap<string, unknown>
}

/** The commands of one application, from where its checkpoint says. */
export class CommandQueue {
  readonly partition: number
  readonly #log: Log
  readonly #codec: Codec
  readonly #app: string
  #position: number

  constructor(log: Log, codec: Codec, source: Source) {
    this.#log = log
    this.#codec = codec
    this.#app = source.name
    this.partition = partitionOf(source.name, log.partitions.commands)
    this.#position = source.kept<number>(positionKey) ?? 0
  }

  /** Everything before this offset is done or in the batch in hand. */
  get position(): number {
    return this.#position
  }

  /** What waits, up to a limit; null at the end. A message that can't be decoded is reported and passed over. */
  async next(): Promise<CommandBatch | null> {
    const end = await this.#log.end('commands', this.partition)
    const messages = await this.#log.read('commands', this.partition, this.#position, limits)
    if (messages.length === 0) {
      this.#position = Math.max(this.#position, end)
      return null
    }
    const asked: Asked[] = []
    const deliveries: Delivery[] = []
    const damaged: string[] = []
    for (const { offset, value } of messages) {
      try {
        for (const [index, command] of this.#codec.decode('commands', value).entries()) {
          if (command.app !== this.#app) continue
          if (command.type === 'Delivery') deliveries.push(command)
          else asked.push({ command, position: { topic: 'commands', partition: this.partition, offset, index } })
        }
      } catch (error) {
        if (!(error instanceof CodecError)) throw error
        damaged.push(`commands/${this.partition}/${offset}: ${error.message}`)
      }
      this.#position = offset + 1
    }
    return { asked, deliveries, damaged, checkpoint: new Map([[positionKey, this.#position]]) }
  }

  /** Reads the batch again after its results could not be published. */
  rewind(position: number): void {
    this.#position = position
  }

  /** True once everything up to the log's end is taken. */
  async isDrained(): Promise<boolean> {
    return this.#position >= (await this.#log.end('commands', this.partition))
  }

  /** Resolves when there may be more, or on abort. */
  wait(signal: AbortSignal): Promise<void> {
    return this.#log.waitFor('commands', this.partition, this.#position, signal)
  }
}
