import type { AnyRecord, Topic } from '../../schemas/wire/topics.ts'
import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { readPartition } from '../runtime/records.ts'

/** Topics that a task writes to: the runtime dead-letters what it can't hand to the processor, whether that one ever does or not. */
export const outputsOf = ({ outputs }: ProcessorType): readonly Topic[] => [...new Set<Topic>([...outputs, 'dead-letters'])]

/** Nobody wrote it from inside: connectors, feeds, settings, rulings, and the ticks and epochs of the partition's own task. */
export const outside = 1
/** No writer there is can have written it. */
export const nobody = 2
/** Numbers of tasks begin here. */
const firstTask = 3

/**
 * Who wrote a record that is recorded in a topic. A partition has several writers; their records are told apart like this:
 *
 * | record | writer |
 * | --- | --- |
 * | any with a `cause`: KeyBook, KeysBaseline, AccountIntent (raw); AccountFact, AccountGone, Reference, Desired, Baseline, Held (facts); AccessChange, Finding, LagSample; DeadLetter and Command of a task | the processor whose input is `cause.topic`, on partition `cause.partition` |
 * | Proposal (actions), ActionChange, Command of kind `write` | the same, by their `cause` |
 * | DeadLetter, Command with `cause` null | outside: connectors, the command line; but a Command of kind `write` is none of theirs: nobody's |
 * | DeadLetter that is not open; Command of another kind whose `cause` is a dead letter | outside: a person decided about the letter at `cause` |
 * | SyncRun of phase `partition`: it has no cause | on its `partition`: the processor of `intent` where `source` is a feed, else that of `raw`. A feed is what has a RunBegin on intent |
 * | SyncRun of phase `begin`, `end` | outside: the connector |
 * | RunBegin, Definition, DefinitionsEnd, Account, Seen, Written, RunEnd, the records of feeds, ActionDecision, Delivery, WriteResult, Census, Setting, Ruling, Tick, Epoch | outside: these are inputs, what follows from them is what is compared |
 *
 * So a feed and an application must not share a name. A cause that no processor reads, or that is in a partition which does not exist, is nobody's.
 */
export class Writers {
  readonly #types: readonly ProcessorType[]
  readonly #partitions: Readonly<Record<Topic, number>>
  readonly #feeds: ReadonlySet<string>
  readonly #bases = new Map<string, number>()

  /** `types`: every processor that writes to this log. `feeds`: see feedsOf. */
  constructor(types: readonly ProcessorType[], partitions: Readonly<Record<Topic, number>>, feeds: ReadonlySet<string>) {
    this.#types = types
    this.#partitions = partitions
    this.#feeds = feeds
    let next = firstTask
    for (const { name, input } of types) {
      this.#bases.set(name, next)
      next += partitions[input]
    }
    for (const type of types) for (const topic of outputsOf(type)) this.#refuseTwins(type.input, topic)
  }

  numberOf(processor: string, partition: number): number {
    const base = this.#bases.get(processor)
    if (base === undefined) throw new Error(`no processor is called ${processor}: there are ${[...this.#bases.keys()].join(', ')}`)
    return base + partition
  }

  /** The number of its task, `outside` or `nobody`. Parts have to be put together before. */
  of(topic: Topic, record: AnyRecord): number {
    if (record.type === 'SyncRun') {
      if (record.phase !== 'partition') return outside
      return this.#task(this.#feeds.has(record.source) ? 'intent' : 'raw', record.partition, topic)
    }
    if (!('cause' in record)) return outside
    // what is written to an application follows from what is recorded, or it must not be there
    if (record.cause === null) return isWrite(record) ? nobody : outside
    if (isDecision(record, record.cause.topic)) return outside
    return this.#task(record.cause.topic, record.cause.partition, topic)
  }

  #task(input: string, partition: number | null, output: Topic): number {
    const type = this.#types.find((candidate) => candidate.input === input && outputsOf(candidate).includes(output))
    if (type === undefined || partition === null || partition < 0 || partition >= this.#partitions[type.input]) return nobody
    return this.numberOf(type.name, partition)
  }

  #refuseTwins(input: Topic, output: Topic): void {
    const names = this.#types.filter((type) => type.input === input && outputsOf(type).includes(output)).map(({ name }) => name)
    if (names.length > 1) {
      throw new Error(`${names.join(' and ')} both read ${input} and write ${output}: a record there does not say which of them wrote it`)
    }
  }
}

const isWrite = (record: AnyRecord): boolean => record.type === 'Command' && record.kind === 'write'

const isDecision = (record: AnyRecord, cause: string): boolean =>
  record.type === 'DeadLetter' ? record.state !== 'open' : record.type === 'Command' && !isWrite(record) && cause === 'dead-letters'

/** Names of everything that began a run on intent. Run marks go to every partition, so one tells all. */
export async function feedsOf(log: Log, codec: Codec): Promise<ReadonlySet<string>> {
  const feeds = new Set<string>()
  if (log.partitions.intent === 0) return feeds
  for await (const { record } of readPartition(log, codec, 'intent', 0)) if (record?.type === 'RunBegin') feeds.add(record.source)
  return feeds
}
