import type { Topic } from '../../../schemas/wire/topics.ts'
import type { Message } from '../../ports/log.ts'
import type { Filling } from '../../ports/portable-log.ts'
import type { Environment } from './environment.ts'
import { encodeMessage, messageKey, offsetBytes, partitionKey } from './layout.ts'

/** Puts messages where they stood elsewhere; each call is one transaction. `grew` hears of each new end. */
export class EmbeddedFilling implements Filling {
  readonly #env: Environment
  readonly #grew: (topic: Topic, partition: number, end: number) => void

  constructor(env: Environment, grew: (topic: Topic, partition: number, end: number) => void) {
    this.#env = env
    this.#grew = grew
  }

  async add(topic: Topic, partition: number, messages: readonly Message[]): Promise<void> {
    const last = messages.at(-1)
    if (last === undefined) return
    const number = this.#env.topics.get(topic)!
    await this.#env.root.childTransaction(() => {
      for (const message of messages) void this.#env.messages.put(messageKey(number, partition, message.offset), encodeMessage(message))
      void this.#env.ends.put(partitionKey(number, partition), offsetBytes(last.offset + 1))
    })
    this.#moved(topic, partition, last.offset + 1)
  }

  async extend(topic: Topic, partition: number, end: number): Promise<void> {
    await this.#env.ends.put(partitionKey(this.#env.topics.get(topic)!, partition), offsetBytes(end))
    this.#moved(topic, partition, end)
  }

  async finish(id: string): Promise<void> {
    await this.#env.root.childTransaction(() => {
      void this.#env.meta.put('id', id)
      void this.#env.meta.remove('filling')
    })
  }

  #moved(topic: Topic, partition: number, end: number): void {
    // LMDB's view for reading may still be of before the commit
    this.#env.root.resetReadTxn()
    this.#grew(topic, partition, end)
  }
}
