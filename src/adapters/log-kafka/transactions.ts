import type { RecordMetadata, Transaction } from 'kafkajs'
import { produce, type ProducingCluster, type ProducingOptions, type ProducingTools, type Records, type TopicAnswer, type TransactionState } from './producing.ts'
import { replace } from './replace.ts'

/**
 * kafkajs tells the transaction's coordinator of a partition when something is sent there, each in a request that the coordinator writes down, and
 * sends to one partition after the other. Transactions of a copy that is amended here do either at once.
 */
export interface DirectTransaction extends Transaction {
  /** Tells the coordinator what it will write to (AddPartitionsToTxn, KIP-98). Those that it knows already cost nothing. */
  addPartitions(topics: readonly TopicPartitions[]): Promise<void>
  /** To partitions that the coordinator was told of. After any error the producer can't be used again. */
  produce(records: Records, options: ProducingOptions): Promise<RecordMetadata[]>
}

export interface TopicPartitions {
  topic: string
  partitions: { partition: number }[]
}

interface Manager extends TransactionState {
  addPartitionsToTransaction(topics: readonly TopicPartitions[]): Promise<void>
}

interface Producer {
  transaction(): Promise<Transaction>
}

interface Made {
  manager: Manager
  cluster: ProducingCluster
}

/** Before anything loads what it replaces. */
export function writeAtOnce(require: NodeJS.Require): void {
  const tools = producingTools(require)
  let made: Made | null = null
  replace(require, 'kafkajs/src/producer/eosManager', (make: (options: { cluster: ProducingCluster }) => Manager) => (options: { cluster: ProducingCluster }) => {
    made = { manager: make(options), cluster: options.cluster }
    return made.manager
  })
  replace(require, 'kafkajs/src/producer', (create: (options: unknown) => Producer) => (options: unknown): Producer => {
    const producer = create(options)
    let own: Made | null = null
    const transaction = async (): Promise<DirectTransaction> => {
      made = null
      // the first time it makes its manager before it waits for anything
      const begun = producer.transaction()
      own ??= made
      const of = await begun
      return {
        ...of,
        addPartitions: (topics) => own!.manager.addPartitionsToTransaction(topics),
        produce: (records, options) => produce(tools, own!.cluster, own!.manager, records, options),
      }
    }
    return { ...producer, transaction }
  })
}

interface Response {
  decode: unknown
  parse: (answer: { topics: TopicAnswer[] }) => Promise<unknown>
}

/** Its errors name one of the partitions that failed: what all of them answered comes along. */
function producingTools(require: NodeJS.Require): ProducingTools {
  const answers = new WeakMap<Error, TopicAnswer[]>()
  // the response of later versions takes it from here
  replace(require, 'kafkajs/src/protocol/requests/produce/v3/response', ({ decode, parse }: Response): Response => ({
    decode,
    parse: async (answer) => {
      try {
        return await parse(answer)
      } catch (error) {
        if (error instanceof Error) answers.set(error, answer.topics)
        throw error
      }
    },
  }))
  const { createErrorFromCode } = require('kafkajs/src/protocol/error') as { createErrorFromCode: (code: number) => Error }
  return { errorOf: createErrorFromCode, answersOf: (error) => (error instanceof Error ? answers.get(error) : undefined) }
}
