import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkPieces, accountOf } from '../../src/connect/pieces.ts'
import type { ConnectorSession, ConnectorType, Mapped, ObservedClass, Page, Platform, Stream } from '../../src/ports/connector.ts'

export interface ConnectorFixture {
  /** settings as the config file holds them: checked by the connector's own schema */
  with: unknown
  platform: Platform
  /** native ids of all accounts that the application holds now; at least one */
  accounts: readonly string[]
  /** an id that the application does not know; only where single reads are offered */
  absent?: string
  /** changes one account in the application; answers its native id. Only where changes are offered */
  change?: () => Promise<string>
  dispose(): Promise<void>
}

interface ReadStream {
  stream: Stream
  pages: Page[]
  pieces: Mapped[]
}

/** What the runtime relies on, checked against a live application that every connector's test brings along. */
export function connectorContract<C>(type: ConnectorType<C>, create: () => Promise<ConnectorFixture>): void {
  describe(`connector ${type.kind}`, () => {
    let fixture: ConnectorFixture
    let session: ConnectorSession
    let reads: ReadStream[]

    beforeAll(async () => {
      fixture = await create()
      session = await type.open(type.config.parse(fixture.with), fixture.platform)
      reads = []
      for (const stream of session.streams) reads.push(await readAll(stream))
    })
    afterAll(async () => {
      await session.close()
      await fixture.dispose()
    })

    const piecesOf = (): Mapped[] => reads.flatMap(({ pieces }) => pieces)

    it('names itself, and refuses settings that it does not know', () => {
      expect(type.kind).toMatch(/^[a-z][a-z0-9-]*$/)
      expect(type.summary.length).toBeGreaterThan(10)
      expect(type.config.safeParse({ ...(fixture.with as object), surprise: 1 }).success).toBe(false)
      expect(type.config.safeParse({}).success).toBe(false)
    })

    it('names its streams, each once, and says which classes each contributes to', () => {
      const names = session.streams.map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
      for (const { name, classes } of session.streams) {
        expect(name).not.toBe('')
        expect(classes.length).toBeGreaterThan(0)
      }
    })

    it('reads definitions before the accounts that use them', () => {
      const firstAccounts = session.streams.findIndex(({ classes }) => classes.includes('accounts'))
      const lastDefinitions = session.streams.findLastIndex(({ classes }) => classes.includes('definitions') && !classes.includes('accounts'))
      if (firstAccounts >= 0) expect(lastDefinitions).toBeLessThan(firstAccounts)
    })

    it('gives every page a place of its own, and counts that hold', () => {
      for (const { stream, pages } of reads) {
        const places = pages.map(({ place }) => place)
        for (const place of places) expect(place).not.toBe('')
        expect(new Set(places).size, `${stream.name}: ${places.join(' | ')}`).toBe(places.length)
        for (const page of pages) {
          if (page.total !== null) expect(page.total).toBeGreaterThanOrEqual(0)
          if (page.start !== null) expect(page.start).toBeGreaterThanOrEqual(0)
        }
      }
    })

    it('keeps the promise of its proof', () => {
      for (const { stream, pages } of reads) {
        const delivered = pages.reduce((sum, { rows, rejected }) => sum + rows.length + (rejected?.length ?? 0), 0)
        const totals = pages.flatMap(({ total }) => (total === null ? [] : [total]))
        if (stream.proof === 'total') expect(totals.length, `${stream.name} promises totals`).toBeGreaterThan(0)
        if (stream.proof !== 'cursor' && totals.length > 0) expect(totals.at(-1), stream.name).toBe(delivered)
      }
    })

    it('maps rows purely: twice the same, and the row is left as it was', () => {
      for (const { stream, pages } of reads) {
        for (const row of pages.flatMap(({ rows }) => rows)) {
          const before = structuredClone(row)
          expect(stream.map(row)).toEqual(stream.map(row))
          expect(row).toEqual(before)
        }
      }
    })

    it('maps into pieces of the classes that it declared, and nothing else', () => {
      for (const { stream, pieces } of reads) {
        for (const piece of checkPieces(pieces)) expect(stream.classes, `${stream.name}: ${piece.piece}`).toContain(classOf[piece.piece])
      }
    })

    it('shows every account of the application, each once', () => {
      const shown = piecesOf().flatMap((piece) => (piece.piece === 'account' ? [piece.id] : []))
      expect(shown.sort()).toEqual([...fixture.accounts].sort())
    })

    it('can be read again in a session of its own, with the same result', async () => {
      const again = await type.open(type.config.parse(fixture.with), fixture.platform)
      try {
        const pieces: Mapped[] = []
        for (const stream of again.streams) pieces.push(...(await readAll(stream)).pieces)
        expect(pieces).toEqual(piecesOf())
      } finally {
        await again.close()
      }
    })

    it('survives a reader that stops in the middle, and still closes', async () => {
      const half = await type.open(type.config.parse(fixture.with), fixture.platform)
      for (const stream of half.streams) {
        for await (const page of stream.pages()) {
          expect(page.place).not.toBe('')
          break
        }
      }
      await half.close()
    })

    it('ends, whenever it is told to stop', async () => {
      for (const moment of moments) {
        const stopping = new AbortController()
        const ended = readWhole(type, fixture, stopping.signal).then(() => 'ended', () => 'ended')
        await moment.pass()
        stopping.abort()
        expect([moment.name, await Promise.race([ended, sleep(stopWithinMs, 'goes on', { ref: false })])]).toEqual([moment.name, 'ended'])
      }
    }, 2 * stopWithinMs)

    it('reads one account singly as the whole read shows it, where it can', async () => {
      const { readOne } = session
      if (readOne === undefined) {
        expect(fixture.absent, 'a fixture with an absent account needs readOne').toBeUndefined()
        return
      }
      const native = fixture.accounts[0]!
      const single = (await readOne(native)) ?? []
      const own = (pieces: readonly Mapped[]): string[] =>
        pieces.filter((piece) => accountOf(piece) === native).map((piece) => JSON.stringify(piece)).sort()
      expect([...new Set(own(checkPieces(single)))]).toEqual([...new Set(own(piecesOf()))])
    })

    it('answers that there is no such account, where it can read singly', async () => {
      const { readOne } = session
      if (readOne === undefined) return
      expect(fixture.absent, 'the fixture must name an absent account').toBeDefined()
      expect(await readOne(fixture.absent!)).toBeNull()
    })

    it('tells what changed after a cursor, and nothing before it, where it can', async () => {
      const { changes } = session
      if (changes === undefined) {
        expect(fixture.change, 'a fixture with changes needs a connector that tells them').toBeUndefined()
        return
      }
      expect(fixture.change, 'the fixture must be able to change an account').toBeDefined()
      const { cursor } = await changes(null)
      const changed = await fixture.change!()
      const told = await changes(cursor)
      expect(told.accounts).toContain(changed)
      expect((await changes(told.cursor)).cursor).toBeTypeOf('string')
    })
  })
}

async function readAll(stream: Stream): Promise<ReadStream> {
  const pages: Page[] = []
  for await (const page of stream.pages()) pages.push(page)
  return { stream, pages, pieces: pages.flatMap(({ rows }) => rows.flatMap((row) => stream.map(row))) }
}

async function readWhole<C>(type: ConnectorType<C>, fixture: ConnectorFixture, signal: AbortSignal): Promise<void> {
  const { http } = fixture.platform
  const cut = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('told to stop')), { once: true }))
  cut.catch(() => undefined)
  // the client is the fixture's, and is to think no worse of the application for it
  const platform: Platform = { ...fixture.platform, signal, http: { request: (request) => Promise.race([http.request(request), cut]) } }
  const session = await type.open(type.config.parse(fixture.with), platform)
  try {
    for (const stream of session.streams) await readAll(stream)
  } finally {
    await session.close()
  }
}

interface Moment {
  name: string
  pass: () => Promise<void>
}

/** Longer than any time-out of a connection. */
const stopWithinMs = 20_000
/** In the midst of one turn of the event loop nothing is heard from outside: a connection is begun and does not stand yet. */
const moments: readonly Moment[] = [
  ...Array.from({ length: 24 }, (_, n) => ({ name: `${n} steps on`, pass: () => times(n, () => Promise.resolve()) })),
  ...Array.from({ length: 6 }, (_, n) => ({ name: `${n} turns on`, pass: () => times(n, () => turn()) })),
]

async function times(n: number, wait: () => Promise<unknown>): Promise<void> {
  for (let nth = 0; nth < n; nth++) await wait()
}

const classOf: Record<Mapped['piece'], ObservedClass> = {
  definition: 'definitions',
  child: 'definitions',
  account: 'accounts',
  membership: 'memberships',
  grant: 'grants',
  credential: 'credentials',
}
