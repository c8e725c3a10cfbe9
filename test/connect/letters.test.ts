import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LetterContent, deadLetter } from '../../src/connect/letters.ts'
import { Source } from '../../src/connect/source.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { Lab, startOfTime } from './lab.ts'

let lab: Lab
let source: Source
beforeEach(async () => {
  lab = new Lab()
  source = await lab.source('hr')
})
afterEach(() => lab.dispose())

const content = (change: Partial<LetterContent> = {}): LetterContent => ({
  stage: 'map', code: 'shape', reason: 'end: expected a date', place: 'people.csv line 7', record: '7', payload: '{"end":"xxxx"}', print: 'abc', ...change,
})
const idOf = (change: Partial<LetterContent> = {}, run: number | null = 1, of = source): string => deadLetter(of, run, content(change)).record.id

describe('a dead letter', () => {
  it('says what was broken, where and when', () => {
    expect(deadLetter(source, 3, content({ aside: 'first at people.csv line 2' })).record).toEqual({
      type: 'DeadLetter', id: expect.stringMatching(/^[0-9a-f]{32}$/) as string, source: 'hr', run: 3, stage: 'map', code: 'shape',
      reason: 'end: expected a date (first at people.csv line 2)', place: 'people.csv line 7', record: '7', payload: '{"end":"xxxx"}',
      at: startOfTime, state: 'open', by: null, why: null, cause: null,
    })
  })

  it('is the same one in every run, wherever the record stands there and whatever is told aside', () => {
    expect(idOf({ place: 'people.csv line 8', payload: '', aside: 'first at people.csv line 3' }, 2)).toBe(idOf())
  })

  it('is another one where the record is broken otherwise, or is another record', async () => {
    const others: Partial<LetterContent>[] = [{ print: 'abd' }, { reason: 'start: expected a date' }, { code: 'mapping' }, { stage: 'read' }, { record: '8' }, { record: null }]
    const ids = [idOf(), ...others.map((change) => idOf(change)), idOf({}, null), idOf({}, 1, await lab.source('desk'))]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is told by its place where nothing else tells', () => {
    const { print: _print, ...unknown } = content()
    const id = (place: string, run: number): string => deadLetter(source, run, { ...unknown, place }).record.id
    expect(id('people.csv line 7', 2)).toBe(id('people.csv line 7', 1))
    expect(id('people.csv line 8', 1)).not.toBe(id('people.csv line 7', 1))
  })

  it('has an id that nobody can make without a key, which its source keeps with the first thing that it publishes', async () => {
    const before = idOf()
    source = await lab.source('hr')
    const id = idOf()
    expect(id).not.toBe(before)
    await source.publish([deadLetter(source, 1, content())])
    expect(idOf({}, 1, await lab.source('hr'))).toBe(id)
    expect(JSON.stringify(await lab.all('dead-letters'))).not.toContain(source.letterKey)
  })

  it('gets a key where an older release kept none', async () => {
    const { log, codec, clock } = lab
    const publisher = await openPublisher({ log, codec, clock, id: 'test/hr' })
    await publisher.publish([], new Map([['source', { run: 5, stamp: 1 }]]))
    const upgraded = new Source('hr', publisher, clock)
    expect(upgraded.nextRun()).toBe(6)
    await upgraded.publish([])
    expect((await lab.source('hr')).letterKey).toBe(upgraded.letterKey)
  })
})
