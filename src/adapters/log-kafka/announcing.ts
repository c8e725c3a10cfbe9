import type { Transaction } from 'kafkajs'
import { replace } from './replace.ts'

/**
 * kafkajs tells the transaction's coordinator of a partition when something is sent there, each in a request that the coordinator writes down.
 * Transactions of a copy that is amended here can tell it of all that they will write to at once (AddPartitionsToTxn, KIP-98).
 */
export interface AnnouncingTransaction extends Transaction {
  /** Those that it knows already cost nothing. */
  addPartitions(topics: readonly TopicPartitions[]): Promise<void>
}

export interface TopicPartitions {
  topic: string
  partitions: { partition: number }[]
}

interface Manager {
  addPartitionsToTransaction(topics: readonly TopicPartitions[]): Promise<void>
}

interface Producer {
  transaction(): Promise<Transaction>
}

/** Before anything loads what it replaces. */
export function announceAtOnce(require: NodeJS.Require): void {
  let made: Manager | null = null
  replace(require, 'kafkajs/src/producer/eosManager', (make: (options: unknown) => Manager) => (options: unknown) => (made = make(options)))
  replace(require, 'kafkajs/src/producer', (create: (options: unknown) => Producer) => (options: unknown): Producer => {
    const producer = create(options)
    let manager: Manager | null = null
    const transaction = async (): Promise<AnnouncingTransaction> => {
      made = null
      // the first time it makes its manager before it waits for anything
      const begun = producer.transaction()
      manager ??= made
      const of = await begun
      return { ...of, addPartitions: (topics) => manager!.addPartitionsToTransaction(topics) }
    }
    return { ...producer, transaction }
  })
}
