import { describe, expect, test } from 'vitest'
import type { RawRecord, Written } from '../../../schemas/wire/raw.ts'
import { World, account, app, gone, natives, ofType, setting, snapshot, tick } from './world.ts'

const written = (id: string, observed: number, until: number, seen: Written['seen'] = null): RawRecord => ({ type: 'Written', app, id, observed, until, seen })
const withDirect = (id: string, observed: number, ...direct: string[]) => account(id, observed, { roles: [], direct })

function world(): World {
  const made = new World()
  made.push(tick(1), setting(), withDirect('a', 100, 'old'), withDirect('b', 100, 'old'))
  return made
}

describe('a read that may be behind our own write', () => {
  test('changes nothing, whether it began before the write or inside the window; other accounts are as always', () => {
    const made = world()
    made.push(written('a', 200, 300), written('a', 200, 300, withDirect('a', 210, 'new')))
    expect(natives(made.fact('a'))).toEqual(['new'])
    expect(made.push(withDirect('a', 190, 'old'), withDirect('a', 250, 'old'), gone('a', 260))).toEqual([])
    made.push(withDirect('b', 250, 'other'))
    expect([natives(made.fact('a')), natives(made.fact('b'))]).toEqual([['new'], ['other']])
  })

  test('is believed again once the window is over', () => {
    const made = world()
    made.push(written('a', 200, 300, withDirect('a', 210, 'new')), withDirect('a', 300, 'later'))
    expect(natives(made.fact('a'))).toEqual(['later'])
  })

  test('the read that confirmed the write is believed, if it is not older than what is known', () => {
    const made = world()
    made.push(withDirect('a', 400, 'known'), written('a', 200, 300, withDirect('a', 210, 'new')))
    expect(natives(made.fact('a'))).toEqual(['known'])
    made.push(written('a', 500, 600, gone('a', 510)))
    expect(made.fact('a')).toBeUndefined()
  })

  test('counts as seen in its run, and the run proves nothing absent there', () => {
    const made = world()
    const run = snapshot({ run: 1, from: 250, accounts: { a: { roles: [], direct: ['old'] }, b: { roles: [], direct: ['old'] } } })
    made.push(written('a', 200, 300, withDirect('a', 210, 'new')))
    const outputs = made.push(...run)
    expect(ofType(outputs, 'AccountFact')).toEqual([])
    expect(ofType(outputs, 'SyncRun')).toMatchObject([{ verdict: 'complete', absent: 0 }])
  })

  test('an account that we created is not gone because a run that began inside the window does not show it', () => {
    const made = world()
    made.push(written('c', 200, 300, withDirect('c', 210, 'new')))
    const of = (run: number, from: number) => snapshot({ run, from, accounts: { a: { roles: [], direct: ['old'] }, b: { roles: [], direct: ['old'] } } })
    made.push(...of(1, 250))
    expect(natives(made.fact('c'))).toEqual(['new'])
    made.push(...of(2, 2_000))
    expect(made.fact('c')).toBeUndefined()
  })

  test('windows only grow, and a mark of an unknown application is nothing', () => {
    const made = world()
    made.push(written('a', 200, 300), written('a', 150, 180))
    expect(made.push(withDirect('a', 250, 'x'))).toEqual([])
    expect(made.push({ type: 'Written', app: 'nobody', id: 'a', observed: 1, until: 2, seen: null })).toEqual([])
  })
})
