import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../src/adapters/store-clickhouse/open-store.ts'
import { GuardError, type Params, type Store } from '../../src/ports/store.ts'
import { claim, ownedBy, raiseFloor } from '../../src/sink/claim.ts'
import { readBack } from '../../src/sink/held.ts'
import { SinkFencedError, type Place } from '../../src/sink/place.ts'
import { rowOf } from '../../src/sink/rows/tables.ts'
import { finding } from './records.ts'
import { BetweenStore } from './unreliable-store.ts'
import { tempDir, type TempDir } from './world.ts'

const place: Place = { topic: 'findings', partition: 0 }
const never = new AbortController().signal
let dir: TempDir
let store: Store
beforeEach(async () => {
  dir = tempDir()
  store = await openStore({ path: dir.path })
})
afterEach(async () => {
  await store.close()
  dir.remove()
})
const row = (offset: number, index = 0) => rowOf(finding(), { ...place, offset, index })

it('gives each claim a higher epoch and the floor of the one before', async () => {
  expect(await claim(store, place, 'a', null, never)).toEqual({ epoch: 1, floor: 0 })
  await raiseFloor(store, place, 'a', 1, 40)
  expect(await claim(store, place, 'b', null, never)).toEqual({ epoch: 2, floor: 40 })
  expect(await claim(store, { ...place, partition: 1 }, 'b', null, never)).toEqual({ epoch: 1, floor: 0 })
  expect(await claim(store, place, 'b', 2, never)).toEqual({ epoch: 3, floor: 40 })
})

it('refuses to take back what another one claimed since', async () => {
  await claim(store, place, 'a', null, never)
  await claim(store, place, 'b', null, never)
  await expect(claim(store, place, 'a', 1, never)).rejects.toThrow(SinkFencedError)
})

it('ends what an older epoch may do: rows and floors', async () => {
  await claim(store, place, 'a', null, never)
  await store.insertRows('findings_log', [row(0)], ownedBy([{ ...place, epoch: 1 }]))
  await claim(store, place, 'b', null, never)
  await expect(store.insertRows('findings_log', [row(1)], ownedBy([{ ...place, epoch: 1 }]))).rejects.toThrow(GuardError)
  await expect(raiseFloor(store, place, 'a', 1, 9)).rejects.toThrow(GuardError)
  await store.insertRows('findings_log', [row(2)], ownedBy([{ ...place, epoch: 2 }]))
  expect((await readBack(store, place, 0)).size).toBe(2)
})

it('guards what several places insert at once by the claim of each', async () => {
  const places = [place, { ...place, partition: 1 }, { topic: 'lag', partition: 1 } as const]
  for (const one of places) await claim(store, one, 'a', null, never)
  const claims = places.map((one) => ({ ...one, epoch: 1 }))
  await store.insertRows('findings_log', [row(0)], ownedBy(claims))
  for (const lost of places) {
    await claim(store, lost, 'b', null, never)
    await expect(store.insertRows('findings_log', [row(1)], ownedBy(claims))).rejects.toThrow(GuardError)
    claims[places.indexOf(lost)]!.epoch++
    await store.insertRows('findings_log', [row(2)], ownedBy(claims))
  }
  await expect(store.insertRows('findings_log', [row(1)], ownedBy([...claims, { topic: 'access', partition: 0, epoch: 1 }]))).rejects.toThrow(GuardError)
  await expect(store.insertRows('findings_log', [row(1)], ownedBy([...claims.slice(1), { ...claims[0]!, epoch: 3 }]))).rejects.toThrow(GuardError)
})

/** Two claimants that read the same epoch before either inserted. */
class MeetingStore extends BetweenStore {
  readonly #meet: () => Promise<void>
  #first = true
  constructor(inner: Store, meet: () => Promise<void>) {
    super(inner)
    this.#meet = meet
  }
  override async command(sql: string, params: Params): Promise<void> {
    if (this.#first) {
      this.#first = false
      await this.#meet()
    }
    await super.command(sql, params)
  }
}

it('leaves one owner where two claimed the same epoch', async () => {
  for (let round = 0; round < 5; round++) {
    let waiting = 2
    let open: () => void = () => undefined
    const both = new Promise<void>((resolve) => (open = resolve))
    const meet = async (): Promise<void> => {
      if (--waiting === 0) open()
      await both
    }
    const results = await Promise.allSettled(['a', 'b'].map((owner) => claim(new MeetingStore(store, meet), place, `${owner}${round}`, null, never)))
    const epochs = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.epoch] : []))
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(SinkFencedError)
    expect(new Set(epochs).size).toBe(epochs.length)
    const able = await Promise.allSettled(epochs.map((epoch) => store.insertRows('findings_log', [row(round)], ownedBy([{ ...place, epoch }]))))
    expect(able.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  }
})

it('reads back what is held at and above the floor, in its own table and among the dead letters', async () => {
  await claim(store, place, 'a', null, never)
  await store.insertRows('findings_log', [row(3), row(4), row(4, 2)], ownedBy([{ ...place, epoch: 1 }]))
  const held = await readBack(store, place, 4)
  expect([held.size, held.last]).toEqual([2, 4])
  expect(held.has('findings_log', 4, 2)).toBe(true)
  expect(held.has('findings_log', 4, 1)).toBe(false)
  expect(held.has('findings_log', 3, 0)).toBe(false)
  expect(held.has('dead_letters', 4, 2)).toBe(false)
  expect((await readBack(store, { ...place, partition: 1 }, 0)).last).toBe(-1)
})

it('waits out the longest insert of a server, and stops waiting when it is told to', async () => {
  const began = performance.now()
  await claim(new BetweenStore(store, 60_000), place, 'first', null, never)
  expect(performance.now() - began).toBeLessThan(20_000)
  const later = performance.now()
  await claim(new BetweenStore(store, 300), place, 'a', null, never)
  expect(performance.now() - later).toBeGreaterThan(295)
  await expect(claim(new BetweenStore(store, 60_000), place, 'a', null, AbortSignal.timeout(50))).rejects.toThrow(/abort/i)
})

it('keeps names of topics in parameters', async () => {
  const odd = { topic: "findings') OR 1 = 1 --" as 'findings', partition: 0 }
  expect(await claim(store, odd, "o'", null, never)).toEqual({ epoch: 1, floor: 0 })
  expect(await store.query('SELECT topic, owner FROM sink_epochs', {}, z.object({ topic: z.string(), owner: z.string() }))).toEqual([{ topic: odd.topic, owner: "o'" }])
})
