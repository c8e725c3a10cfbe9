import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { armFaults, type FaultPoint } from '../../../src/core/fault.ts'
import type { WriteExecutor } from '../../../src/connect/writes/executor.ts'
import { account, app, setting, snapshot, tick, World } from '../../processors/normalise/world.ts'
import { Bench, command, create, disable, grant, revoke } from './bench.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open('ann', 'bob')
})
afterEach(async () => {
  armFaults(null)
  await bench.close()
})

describe('a command', () => {
  it('is carried out step by step, read back, and told with its steps', async () => {
    const owner = await bench.owner()
    const one = command(grant('ann', 'R'), disable('ann'))
    await owner.obey([one])
    expect(bench.app.changed).toEqual(['PUT /users/ann/roles/R', 'POST /users/ann/roles/R/activate', 'POST /users/ann/disable'])
    const [result] = await bench.results()
    expect(result).toMatchObject({ verdict: 'applied', commandId: one.id, command: one.position, finding: one.finding, version: 'v1' })
    expect(result?.steps.map(({ operation, step, outcome }) => [operation, step, outcome])).toEqual([[0, 'list', 'applied'], [0, 'activate', 'applied'], [1, 'disable-account', 'applied']])
    expect(result!.readBack).toBeGreaterThan(result!.written!)
    // the account's own key, so that every observation of it meets the mark
    expect((await bench.lab.of('raw', 'Written')).map(({ id, seen }) => [id, seen?.native ?? null])).toEqual([['ANN', null], ['ANN', null], ['ANN', null], ['ANN', null], ['ANN', 'ann']])
    expect((await bench.marks()).at(-1)).toEqual(['R'])
  })

  it('that comes again is not carried out again', async () => {
    const one = command(revoke('ann', 'R'))
    await (await bench.owner()).obey([one])
    await (await bench.owner()).obey([one])
    expect(bench.app.requests.filter(({ line }) => line.startsWith('DELETE'))).toHaveLength(1)
    expect(await bench.verdicts()).toHaveLength(1)
  })

  it('is refused where the application, its connector or its configuration says no; nothing else is tried after a refusal', async () => {
    bench.app.mishap = (line) => (line.endsWith('/disable') ? 'forbid' : 'ok')
    await (await bench.owner()).obey([command(disable('ann'), revoke('ann', 'R'))])
    await (await bench.owner({ writes: false })).obey([command(disable('ann'))])
    await (await bench.owner({ visibilityMs: null })).obey([command(disable('ann'))])
    await (await bench.owner()).obey([command({ ...disable('ann'), name: 'delete-account' })])
    expect(await bench.results()).toMatchObject([
      { verdict: 'refused', reason: expect.stringContaining('permission') },
      { verdict: 'refused', reason: 'its connector can only read' },
      { verdict: 'refused', reason: expect.stringContaining('configuration') },
      { verdict: 'refused', reason: expect.stringContaining('can\'t delete-account') },
    ])
    expect(bench.app.changed).toEqual([])
  })

  it('that is half carried out is partial, and shows what is there', async () => {
    bench.app.mishap = (line) => (line.endsWith('/activate') ? 'forbid' : 'ok')
    await (await bench.owner()).obey([command(grant('ann', 'R'))])
    expect(await bench.results()).toMatchObject([{ verdict: 'partial', steps: [{ step: 'list', outcome: 'applied' }, { step: 'activate', outcome: 'refused' }] }])
    expect((await bench.marks()).at(-1)).toEqual([])
  })

  it('gives way to a newer one about the same, which alone is carried out', async () => {
    const [older, newer] = [command(grant('ann', 'R')), command(revoke('ann', 'R'))]
    await (await bench.owner()).obey([older, command(grant('ann', 'S')), newer])
    expect(await bench.verdicts()).toEqual(['superseded', 'applied', 'applied'])
    expect(bench.app.requests.map(({ line }) => line).filter((line) => line.includes('/R'))).toEqual(['DELETE /users/ann/roles/R'])
  })

  it('whose answer is lost is asked again with the same key, and takes effect once', async () => {
    let lost = 0
    bench.app.mishap = (line) => (line.startsWith('DELETE') && lost++ === 0 ? 'drop-after' : 'ok')
    bench.app.add('cid', 'R')
    const working = (await bench.owner()).obey([command(revoke('cid', 'R'))])
    await settle(working)
    expect(bench.app.changed).toEqual(['DELETE /users/cid/roles/R'])
    const keys = bench.app.requests.filter(({ line }) => line.startsWith('DELETE')).map(({ key }) => key)
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
    expect(await bench.verdicts()).toEqual(['applied'])
  })

  it('that never comes through has failed, which says nothing of its effect', async () => {
    bench.app.mishap = (line) => (line.startsWith('GET') ? 'ok' : 'drop-before')
    await settle((await bench.owner()).obey([command(disable('ann'))]))
    expect(await bench.results()).toMatchObject([{ verdict: 'failed', reason: expect.stringContaining('transient') }])
  })
})

describe('reads behind writes', () => {
  it('do not show it yet: looked at again until they do, and nothing stale is published', async () => {
    bench.app.staleReads = 2
    const owner = await bench.owner()
    await owner.obey([command(grant('ann', 'R'))])
    expect(await bench.verdicts()).toEqual(['pending-visibility'])
    expect(await bench.marks()).toEqual([null, null, null])
    for (let looks = 0; looks < 3 && owner.waitMs() !== Infinity; looks++) {
      bench.lab.clock.advance(owner.waitMs())
      await owner.lookAgain()
    }
    expect(await bench.verdicts()).toEqual(['pending-visibility', 'applied'])
    expect((await bench.marks()).at(-1)).toEqual(['R'])
    expect(owner.waitMs()).toBe(Infinity)
  })

  it('that never show it within the window: a lost update, and what is there is told', async () => {
    bench.app.staleReads = 1_000
    const owner = await bench.owner()
    await owner.obey([command(grant('ann', 'R'))])
    for (let looks = 0; looks < 50 && owner.waitMs() !== Infinity; looks++) {
      bench.lab.clock.advance(owner.waitMs())
      await owner.lookAgain()
    }
    expect(await bench.verdicts()).toEqual(['pending-visibility', 'lost-update'])
    expect((await bench.marks()).at(-1)).toEqual([])
  })

  it('are looked at again by whoever takes over', async () => {
    bench.app.staleReads = 1
    await (await bench.owner()).obey([command(revoke('ann', 'X'), grant('ann', 'R'))])
    const next = await bench.owner()
    bench.lab.clock.advance(next.waitMs())
    await next.lookAgain()
    expect(await bench.verdicts()).toEqual(['pending-visibility', 'applied'])
  })

  it('of a connector that reads no single account are left to its next snapshot', async () => {
    const owner = await bench.owner({ readsOne: false })
    await owner.obey([command(grant('ann', 'R'))])
    expect(await bench.verdicts()).toEqual(['pending-visibility'])
    expect(owner.waitMs()).toBe(Infinity)
  })
})

const points: FaultPoint[] = [
  'connect.before-commit', 'connect.after-commit', 'write.before-call', 'write.after-call', 'write.before-read-back', 'write.before-result', 'write.after-result',
]

describe.each(points)('a crash at %s', (point) => {
  it.each([1, 2, 3, 4, 5])('the %ith time: the successor goes on where it was, each change takes effect once, one result is told', async (time) => {
    const one = command(grant('ann', 'R'), disable('ann'))
    let reached = 0
    armFaults((at) => {
      if (at === point && ++reached === time) throw new Error(`killed at ${at}`)
    })
    const dead = await (await bench.owner()).obey([one]).catch((error: unknown) => error)
    const fired = reached >= time
    armFaults(null)
    if (fired) expect(dead).toBeInstanceOf(Error)
    if (time === 1) expect(fired).toBe(true)
    await (await bench.owner()).obey([one])
    expect(bench.app.changed).toEqual(['PUT /users/ann/roles/R', 'POST /users/ann/roles/R/activate', 'POST /users/ann/disable'])
    expect((await bench.results()).map(({ verdict, steps }) => [verdict, steps.length])).toEqual([['applied', 3]])
    // at most the one call that may have been under way is made again, and with its key
    const writes = bench.app.requests.filter(({ line }) => !line.startsWith('GET'))
    expect(writes.length).toBeLessThanOrEqual(4)
    expect(new Set(writes.map(({ line, key }) => `${line} ${key ?? ''}`)).size).toBe(3)
  })
})

describe('an account that the application names itself', () => {
  it('is made, and what follows concerns the id that it was given, as does the read-back', async () => {
    await (await bench.owner()).obey([command(create('zoe'), grant('zoe', 'R'))])
    expect(bench.app.changed).toEqual(['POST /names/zoe', 'PUT /users/id-of-zoe/roles/R', 'POST /users/id-of-zoe/roles/R/activate'])
    expect(await bench.verdicts()).toEqual(['applied'])
    const { seen } = (await bench.lab.of('raw', 'Written')).at(-1)!
    expect([seen?.id, seen?.native, seen?.gone]).toEqual(['ID-OF-ZOE', 'id-of-zoe', false])
  })

  it('whose answer is lost is found by its name, and made once', async () => {
    let lost = 0
    bench.app.mishap = (line) => (line.startsWith('POST /names') && lost++ === 0 ? 'drop-after' : 'ok')
    await settle((await bench.owner()).obey([command(create('zoe'), grant('zoe', 'R'))]))
    expect(bench.app.changed.filter((line) => line.startsWith('POST /names'))).toEqual(['POST /names/zoe'])
    expect(await bench.verdicts()).toEqual(['applied'])
  })

  it.each([1, 2, 3])('is made once though the process is killed after call %i', async (nth) => {
    const one = command(create('zoe'), grant('zoe', 'R'))
    let reached = 0
    armFaults((at) => {
      if (at === 'write.after-call' && ++reached === nth) throw new Error('killed')
    })
    await expect((await bench.owner()).obey([one])).rejects.toThrow('killed')
    armFaults(null)
    await (await bench.owner()).obey([one])
    expect(bench.app.changed).toEqual(['POST /names/zoe', 'PUT /users/id-of-zoe/roles/R', 'POST /users/id-of-zoe/roles/R/activate'])
    expect(await bench.verdicts()).toEqual(['applied'])
  })
})

describe('a reading behind the making of an account that the application names itself', () => {
  /** What normalise knows once a listing that was begun so long after the account was confirmed has ended without it. */
  async function afterListingWithout(elapsedMs: number): Promise<{ isKnown: boolean }> {
    const normalised = new World()
    normalised.push(tick(1), setting({ ids: 'fold' }), account('ann', 1, { roles: [] }), account('ID-OF-ZOE', 2, { roles: [] })) // a listing may be the first to show it
    const marks = await bench.lab.of('raw', 'Written')
    normalised.push(...marks)
    const from = marks.at(-1)!.seen!.observed + elapsedMs * 1_000
    normalised.push(...snapshot({ run: 1, from, accounts: { ann: { roles: [] } } }))
    return { isKnown: normalised.fact('ID-OF-ZOE') !== undefined }
  }
  const owner = async (): Promise<WriteExecutor> => bench.owner({ source: await bench.lab.source(app) })

  it('does not undo it, as long as reads may be behind; after that it is believed', async () => {
    await (await owner()).obey([command(create('zoe'), grant('zoe', 'R'))])
    expect(await bench.verdicts()).toEqual(['applied'])
    expect([await afterListingWithout(1), await afterListingWithout(59_000), await afterListingWithout(61_000)]).toEqual([{ isKnown: true }, { isKnown: true }, { isKnown: false }])
  })

  it('does not undo it where it showed only later', async () => {
    bench.app.staleReads = 1
    const executor = await owner()
    await executor.obey([command(create('zoe'), grant('zoe', 'R'))])
    expect(await bench.verdicts()).toEqual(['pending-visibility'])
    bench.lab.clock.advance(executor.waitMs())
    await executor.lookAgain()
    expect(await bench.verdicts()).toEqual(['pending-visibility', 'applied'])
    expect([await afterListingWithout(1), await afterListingWithout(58_000), await afterListingWithout(61_000)]).toEqual([{ isKnown: true }, { isKnown: true }, { isKnown: false }])
  })

  it('is no reason to make it again', async () => {
    await (await owner()).obey([command(create('zoe'))])
    await (await owner()).obey([command(create('zoe'))])
    expect([bench.app.changed, await bench.verdicts()]).toEqual([['POST /names/zoe'], ['applied', 'already']])
  })
})

describe('another owner', () => {
  it('took over: the one before makes no further call, since its journal is not taken any more', async () => {
    const zombie = await bench.owner()
    const successor = await bench.owner()
    await successor.obey([command(revoke('ann', 'R'))])
    const before = bench.app.requests.length
    await expect(zombie.obey([command(grant('ann', 'R'))])).rejects.toMatchObject({ name: 'FencedError' })
    expect(bench.app.requests.length).toBe(before)
  })

  it('paused between its journal and its call for longer than its lease proves anew that it may write, and finds that it may not', async () => {
    const zombie = await bench.owner({ leaseMs: 30_000 })
    let successor: Promise<WriteExecutor> | null = null
    let reached = 0
    armFaults((at) => {
      if (at !== 'write.before-call' || ++reached !== 2) return
      // the process stands still here, while another one takes the application over
      successor = bench.owner()
      bench.lab.clock.advance(31_000)
    })
    await expect(zombie.obey([command(grant('ann', 'R'))])).rejects.toMatchObject({ name: 'FencedError' })
    armFaults(null)
    await (await successor!).obey([command(revoke('ann', 'R'))])
    expect(bench.app.changed).toEqual(['PUT /users/ann/roles/R', 'DELETE /users/ann/roles/R'])
  })

  it('waits as long as the call of the one before may still be on its way', async () => {
    const one = command(grant('ann', 'R'))
    armFaults((at) => {
      if (at === 'write.after-call') throw new Error('killed')
    })
    await (await bench.owner()).obey([one]).catch(() => undefined)
    armFaults(null)
    const successor = await bench.owner({ takeoverMs: 30_000 })
    const working = successor.obey([one])
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(bench.app.requests.filter(({ line }) => !line.startsWith('GET'))).toHaveLength(1)
    bench.lab.clock.advance(30_000)
    await working
    expect(await bench.verdicts()).toEqual(['applied'])
  })
})

/** Time passes while it works: waits between tries are real waits on the clock. */
async function settle(working: Promise<unknown>): Promise<void> {
  let busy = true
  const done = working.finally(() => (busy = false))
  while (busy) {
    bench.lab.clock.advance(1_000)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await done
}
