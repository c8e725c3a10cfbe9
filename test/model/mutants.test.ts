import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SourcesSetting } from '../../schemas/settings.ts'
import type { ClassManifest } from '../../schemas/wire/common.ts'
import type { Baseline } from '../../schemas/wire/facts.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Context, Processor, ProcessorType } from '../../src/ports/processor.ts'
import { emptyRunsAreHeld, endsAsTheModelSays, loadingNeverFlaps, reloadingChangesNothing, stages, withoutProofIsSilent, type Check } from './checks.ts'
import { histories, loads } from './histories.ts'
import type { History } from './history.ts'
import type { Input, Stages } from './topology.ts'

/** What is done to records on their way in, and which records are kept back on their way out. */
interface Tampering<In extends Input> {
  input?: (record: RecordOf<In>) => RecordOf<In>[]
  isKeptBack?: (topic: Topic, record: RecordOf<Topic>) => boolean
}

/** The same processor with its input and output tampered with; `tamper` makes one tampering for each task. */
function tampered<In extends Input>(type: ProcessorType<In>, tamper: () => Tampering<In>): ProcessorType<In> {
  return { ...type, create: () => new Tampered(type.create(), tamper()) }
}

class Tampered<In extends Input> implements Processor<In> {
  readonly #processor: Processor<In>
  readonly #tampering: Tampering<In>

  constructor(processor: Processor<In>, tampering: Tampering<In>) {
    this.#processor = processor
    this.#tampering = tampering
  }

  process(context: Context, record: RecordOf<In>): void {
    for (const one of this.#tampering.input?.(record) ?? [record]) this.#processor.process(this.#outputs(context), one)
  }

  slice(context: Context, budget: number): boolean {
    return this.#processor.slice(this.#outputs(context), budget)
  }

  #outputs(context: Context): Context {
    const { isKeptBack = () => false } = this.#tampering
    return {
      ...context,
      emit: (topic, key, record) => (isKeptBack(topic, record) ? undefined : context.emit(topic, key, record)),
      broadcast: (topic, record) => (isKeptBack(topic, record) ? undefined : context.broadcast(topic, record)),
    }
  }
}

/** Deletion without a verdict: whatever arrived of a run counts as all that there is. */
function everyRunComplete<In extends 'intent' | 'raw'>(): Tampering<In> {
  const received = new Map<string, number>()
  const promised = (name: string): ClassManifest => {
    const count = received.get(name === 'definitions' || name === 'business-roles' ? 'definitions' : 'objects') ?? 0
    return { class: name, verdict: 'complete', reason: null, place: null, read: count, declared: null, rejected: 0, counts: [count, count] }
  }
  return {
    input: (record) => {
      const tampered: RecordOf<'intent' | 'raw'> = structuredClone(record)
      if (tampered.type === 'RunBegin') {
        received.clear()
        tampered.mode = 'snapshot'
      } else if (tampered.type === 'DefinitionsEnd') tampered.manifest = promised(tampered.manifest.class)
      else if (tampered.type === 'RunEnd') tampered.classes = tampered.classes.map(({ class: name }) => promised(name))
      else if ('run' in tampered && tampered.run !== null) {
        const counted = tampered.type === 'Definition' || tampered.type === 'BusinessRole' ? 'definitions' : 'objects'
        received.set(counted, (received.get(counted) ?? 0) + 1)
      }
      return [tampered as RecordOf<In>]
    },
  }
}

/** Baselines ignored: with the settings, every mark that there will ever be is there. */
function everythingReady(): Tampering<'facts'> {
  return {
    input: (record) => {
      if (record.type !== 'Setting' || record.name !== 'sources') return [record]
      const { apps, feeds, partitions } = SourcesSetting.parse(JSON.parse(record.value))
      const mark: Omit<Baseline, 'stage' | 'source' | 'writer'> = {
        type: 'Baseline', class: 'accounts', via: null, at: 0, cause: { topic: 'raw', partition: 0, offset: 0, index: 0 },
      }
      const each = (count: number): number[] => [...Array(count).keys()]
      return [
        record,
        ...apps.flatMap((source) => each(partitions.raw).map((writer): Baseline => ({ ...mark, stage: 'observed', source, writer }))),
        ...feeds.flatMap(({ name: source }) => each(partitions.intent).flatMap((writer): Baseline[] => [
          { ...mark, stage: 'desired', source, writer },
          ...each(partitions.raw).map((via): Baseline => ({ ...mark, stage: 'keys', source, writer, via })),
        ])),
      ]
    },
  }
}

const forgetfulKeyBook = (): Tampering<'intent'> => ({ isKeptBack: (_topic, record) => record.type === 'KeyBook' && /[024]$/u.test(record.identity) })

/** Access of an account is told once since the process began, which is not in the state. */
function remembering(): Tampering<'facts'> {
  const told = new Set<string>()
  return {
    isKeptBack: (_topic, record) => {
      if (record.type !== 'AccessChange') return false
      const name = `${record.home} ${record.app} ${record.account}`
      return told.has(name) || (told.add(name), false)
    },
  }
}

/** A brake that knows no share. */
const anyShare = (): Tampering<'raw'> => ({
  input: (record) => [record.type === 'Setting' ? { ...record, value: record.value.replace('"maxAbsentShare":0.99', '"maxAbsentShare":1') } : record],
})

function caught(check: Check, mutant: Stages, arbitrary: fc.Arbitrary<History>): string[] {
  for (const history of fc.sample(arbitrary, { seed: 20_260_103, numRuns: 40 })) {
    const wrong = check(history, mutant)
    if (wrong.length > 0) return wrong
  }
  return []
}

describe('the judge catches', () => {
  it('an application’s accounts deleted without a verdict', () => {
    const mutant = { ...stages, raw: tampered(stages.raw, everyRunComplete<'raw'>) }
    expect(caught(withoutProofIsSilent, mutant, histories)).toContainEqual(expect.stringContaining('"type":"AccountGone"'))
  })

  it('an application’s accounts deleted because its list was empty', () => {
    const mutant = { ...stages, raw: tampered(stages.raw, anyShare) }
    expect(caught(emptyRunsAreHeld, mutant, histories)).toContainEqual(expect.stringContaining('"type":"AccountGone"'))
  })

  it('people ended without a verdict', () => {
    const mutant = { ...stages, intent: tampered(stages.intent, everyRunComplete<'intent'>) }
    expect(caught(withoutProofIsSilent, mutant, histories)).toContainEqual(expect.stringContaining('"type":"Desired"'))
  })

  it('verdicts that do not wait for baselines', () => {
    const mutant = { ...stages, facts: tampered(stages.facts, everythingReady) }
    expect(caught(loadingNeverFlaps, mutant, loads)).toContainEqual(expect.stringContaining('opened and closed while loading'))
  })

  it('a processor that remembers what is not in its state', () => {
    const mutant = { ...stages, facts: tampered(stages.facts, remembering) }
    expect(caught(reloadingChangesNothing, mutant, histories)).toContainEqual(expect.stringContaining('"type":"AccessChange"'))
  })

  it('key book entries that get lost', () => {
    const mutant = { ...stages, intent: tampered(stages.intent, forgetfulKeyBook) }
    expect(caught(endsAsTheModelSays, mutant, histories)).not.toEqual([])
  })
})
