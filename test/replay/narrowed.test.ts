import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reconcile, reconcileAt } from '../../processors/reconcile/reconcile.ts'
import type { FactRecord } from '../../schemas/wire/facts.ts'
import type { AccessChange } from '../../schemas/wire/results.ts'
import type { Log } from '../../src/ports/log.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { accountName, isNamed, type Asked } from '../../src/replay/asked.ts'
import { judgeAll, judgeHomes, type JudgeAgainOptions, type Judged } from '../../src/replay/judge-again.ts'
import { replayUntil, type ReplayReport } from '../../src/replay/replay.ts'
import { whereaboutsOf } from '../../src/replay/whereabouts.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { histories } from '../model/histories.ts'
import { factsOf, logOf, playedPartitions } from './played.ts'
import { codec } from './logs.ts'

/** GRANTLINE_LONG=1 plays many more, other ones each time; without it they are always the same. */
const long = process.env['GRANTLINE_LONG'] === '1'
const timeoutMs = long ? 7_200_000 : 240_000
const sample = (count: number) => fc.sample(histories, { numRuns: count * (long ? 20 : 1), ...(long ? {} : { seed: 20_261_128 }) })

/** Work that concerns several homes lags behind by records, and by hours where these pass between. */
const slow: readonly ProcessorType[] = [reconcileAt({ perSubject: 1, perMark: 1 }), reconcileAt({ perSubject: 1, perMark: 5 })].map((type) => type as unknown as ProcessorType)
const judges = [...slow, reconcile as unknown as ProcessorType]

const scratch = (): Log => new MemoryLog(playedPartitions)

/** Of the moments at which anything can have become known: some, and one before and after all. */
function momentsOf(facts: readonly FactRecord[][], count: number): number[] {
  const all = [...new Set(facts.flat().flatMap((record) => (record.type === 'Tick' && record.at > 0 ? [record.at] : [])))].sort((a, b) => a - b)
  const step = Math.max(1, Math.floor(all.length / count))
  return [...all.filter((_, i) => i % step === 0), all.at(-1)!]
}

/** Everybody and everything that was ever told of. */
function questionsOf(facts: readonly FactRecord[][]): { accounts: Asked[]; people: Asked[]; apps: Asked[] } {
  const told = facts.flat().flatMap((record) => (record.type === 'AccountFact' ? [record] : []))
  const distinct = <A extends Asked>(all: A[]): A[] => [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
  return {
    accounts: distinct(told.map(({ app, account }) => ({ app, account }))),
    people: distinct(told.flatMap(({ identity }) => (identity === null ? [] : [{ identity }]))),
    apps: distinct(told.map(({ app }) => ({ app }))),
  }
}

interface Counts {
  alone: number
  withOthers: number
}

/** The judge, and how often it was set to work. */
function counting(judge: ProcessorType): { judge: ProcessorType; begun: () => number } {
  let begun = 0
  const counted = { ...judge, create: () => (begun++, judge.create()) }
  return { judge: counted, begun: () => begun }
}

async function compare(facts: readonly FactRecord[][], judge: ProcessorType, untilMs: number, counts: Counts): Promise<void> {
  const log = await logOf(facts, 3)
  for (const asked of questionsOf(facts).accounts) {
    const { places } = await whereaboutsOf(asked, { log, codec, scratch: scratch(), untilMs, onProgress: () => undefined })
    for (const [partition, { homes, known }] of places.entries()) {
      const counted = counting(judge)
      const options = (of: ProcessorType): JudgeAgainOptions => (
        { log, codec, judge: of, scratch: scratch(), partition, untilMs, isWanted: (change) => isNamed(change, asked), onRecord: () => undefined, onProgress: () => undefined }
      )
      const all = await judgeAll(options(judge))
      expect(await judgeHomes(homes, options(counted.judge)), JSON.stringify(asked)).toEqual(all)
      expect(known).toEqual(all.known)
      if (homes.size === 0) expect(all.changes).toEqual([])
      else counts[counted.begun() === 1 ? 'alone' : 'withOthers']++
    }
  }
}

describe('what is wanted of few homes', () => {
  it.each(judges.map((judge, i) => ({ judge, i })))('is told by these as by all, or by all where that can differ: judge $i', async ({ judge }) => {
    const counts: Counts = { alone: 0, withOthers: 0 }
    for (const history of sample(12)) {
      const facts = factsOf(history)
      for (const at of momentsOf(facts, 3)) await compare(facts, judge, at, counts)
    }
    expect(counts.alone).toBeGreaterThan(50)
    expect(counts.withOthers).toBeGreaterThan(50)
  }, timeoutMs)

  it('would be told at other times by these alone: the judge comes to what concerns many one after the other', async () => {
    const decided = async (facts: readonly (readonly (FactRecord | null)[])[], judge: ProcessorType, untilMs: number, asked: Asked): Promise<AccessChange[]> => {
      const log = await logOf(facts)
      const partitions = await Promise.all(facts.map((_, partition): Promise<Judged> => judgeAll({
        log, codec, judge, scratch: scratch(), partition, untilMs, isWanted: (change) => isNamed(change, asked), onRecord: () => undefined, onProgress: () => undefined,
      })))
      return partitions.flatMap(({ changes }) => changes)
    }
    let otherVerdicts = 0
    for (const history of sample(10)) {
      const facts = factsOf(history)
      for (const asked of questionsOf(facts).accounts) {
        const homes = new Set(facts.flat().flatMap((record) => (record.type === 'AccountFact' && isNamed(record, asked) ? [record.home] : [])))
        const theirs = facts.map((all) => all.map((record) => ('home' in record && !homes.has(record.home) ? null : record)))
        const said = (changes: AccessChange[]): string => JSON.stringify(changes.map(({ set, decided: at }) => ({ set, at })))
        for (const at of momentsOf(facts, 3)) if (said(await decided(theirs, slow[0]!, at, asked)) !== said(await decided(facts, slow[0]!, at, asked))) otherVerdicts++
      }
    }
    expect(otherVerdicts).toBeGreaterThan(0)
  }, timeoutMs)
})

describe('a question about few', () => {
  it('is answered as among all', async () => {
    let answers = 0
    for (const [i, history] of sample(12).entries()) {
      const facts = factsOf(history)
      const log = await logOf(facts, 4)
      const judge = judges[i % judges.length]!
      const moments = momentsOf(facts, 2)
      for (const untilMs of moments) {
        for (const atMs of [untilMs, moments[0]!]) {
          const ask = (asked: Asked): Promise<ReplayReport> => replayUntil({ log, codec, judge, scratch: scratch(), untilMs, atMs, ...asked })
          const all = await ask({})
          const { accounts, people, apps } = questionsOf(facts)
          for (const asked of [...accounts, ...people, ...apps, ...people.flatMap((one) => apps.map((app) => ({ ...one, ...app }))), { account: 'nobody' }]) {
            const theirs = all.access.filter((held) => isNamed(held, asked) && (!('identity' in asked) || held.identity === asked.identity))
            const { access, apps: named, known, otherVersions } = await ask(asked)
            expect(access, JSON.stringify({ asked, untilMs, atMs })).toEqual(theirs)
            expect({ named, known, otherVersions }).toEqual({ named: all.apps, known: all.known, otherVersions: all.otherVersions })
            answers += new Set(access.map(accountName)).size
          }
        }
      }
    }
    expect(answers).toBeGreaterThan(300)
  }, timeoutMs)
})
