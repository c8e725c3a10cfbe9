import { z } from 'zod'
import type { Clock } from '../runtime/clock.ts'
import type { ConnectError, ConnectorSession, HttpClient, HttpResponse, Page, Platform, Stream } from '../ports/connector.ts'
import { asConnectError } from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import { Ledger } from './ledger.ts'
import { rateHints } from './throttle/hints.ts'

/** Read to see what a stream does; a longer list is not walked to its end. */
const maxPages = 20
/** Asked for, to see how many rows a page may have at most. */
const askedSizes = [1, 100, 1_000, 10_000]
const nobody = 'grantline-probe-nobody'

const StreamProfile = z.strictObject({
  stream: z.string(),
  proof: z.string(),
  pages: z.int(),
  rows: z.int(),
  /** false: it was longer than the probe walked */
  ended: z.boolean(),
  /** what the ledger says of the walk; null where it did not end */
  verdict: z.string().nullable(),
  reason: z.string().nullable(),
  largestPage: z.int(),
  /** rows that came where so many were asked for; empty where the connector can't ask */
  sizes: z.array(z.strictObject({ asked: z.int(), came: z.int().nullable() })),
  total: z.int().nullable(),
  /** whether as many rows came as the source counts; null where it does not count or the walk did not end */
  totalHonest: z.boolean().nullable(),
  /** whether the first pages come again with the same rows in the same order */
  stable: z.boolean().nullable(),
  /** place of the first page whose rows an earlier page held already: the list ignores which page is asked for; null where none did */
  repeats: z.string().nullable(),
  /** whether going on from the first page's position gives the second; null where the source can't be gone on from */
  resumes: z.boolean().nullable(),
  unmapped: z.int(),
  msPerPage: z.int(),
  error: z.string().nullable(),
})
export type StreamProfile = z.infer<typeof StreamProfile>

/** What an application really does, measured. Version 1; another version is measured anew. */
export const Profile = z.strictObject({
  version: z.literal(1),
  app: z.string(),
  /** ms since 1970 */
  at: z.int(),
  streams: z.array(StreamProfile),
  /** null: not offered */
  finds: z.boolean().nullable(),
  saysAbsent: z.boolean().nullable(),
  tellsChanges: z.boolean(),
  operations: z.array(z.string()),
  /** HTTP requests made; 0 where the application speaks another protocol */
  requests: z.int(),
  /** headers about rates that were seen, and the limit they tell */
  rateHeaders: z.array(z.string()),
  limit: z.number().nullable(),
  /** what to mind, most important first */
  advice: z.array(z.string()),
})
export type Profile = z.infer<typeof Profile>

/** Measures an application through its connector: reads only, at most twenty pages a list and a few single accounts. Throws ConnectError. */
export async function probe(open: (platform: Platform) => Promise<ConnectorSession>, platform: Platform, clock: Clock, onStep: (step: string) => void): Promise<Profile> {
  const { http, seen } = recording(platform.http, clock)
  onStep('opening')
  const session = await open({ ...platform, http })
  try {
    const streams: StreamProfile[] = []
    let account: string | null = null
    for (const stream of session.streams) {
      onStep(stream.name)
      const { profile, first } = await probeStream(stream, clock)
      streams.push(profile)
      account ??= first
    }
    onStep('single accounts')
    const singles = await probeSingles(session, account)
    const measured = {
      version: 1 as const, app: platform.app, at: clock.nowMs(), streams, ...singles,
      tellsChanges: session.changes !== undefined,
      operations: [...(session.write?.operations ?? [])],
      requests: seen.requests,
      rateHeaders: [...seen.headers].sort(),
      limit: seen.limit,
    }
    return { ...measured, advice: adviceOn(measured) }
  } finally {
    await session.close()
  }
}

interface Walked {
  pages: Page[]
  ended: boolean
  error: ConnectError | null
}

async function walk(stream: Stream, from: string | undefined, limit: number): Promise<Walked> {
  const pages: Page[] = []
  try {
    for await (const page of stream.pages(from)) {
      pages.push(page)
      if (pages.length >= limit) return { pages, ended: false, error: null }
    }
    return { pages, ended: true, error: null }
  } catch (error) {
    return { pages, ended: false, error: asConnectError(error, stream.name) }
  }
}

async function probeStream(stream: Stream, clock: Clock): Promise<{ profile: StreamProfile; first: string | null }> {
  const begun = clock.monotonicMs()
  const { pages, ended, error } = await walk(stream, undefined, maxPages)
  const tookMs = clock.monotonicMs() - begun
  const ledger = new Ledger(stream.proof)
  for (const page of pages) {
    ledger.page({ place: page.place, rows: page.rows.length, rejected: page.rejected?.length ?? 0, total: page.total, start: page.start, digest: digestOf(page) })
  }
  if (error !== null) ledger.failed(error.class, error.message, error.place)
  const { verdict, reason } = ledger.close()
  const rows = pages.reduce((sum, page) => sum + page.rows.length, 0)
  const total = pages.findLast((page) => page.total !== null)?.total ?? null
  const { first, unmapped } = mapped(stream, pages)
  const profile: StreamProfile = {
    stream: stream.name, proof: stream.proof, pages: pages.length, rows, ended,
    verdict: ended ? verdict : null,
    reason: ended ? reason : null,
    largestPage: pages.reduce((most, page) => Math.max(most, page.rows.length), 0),
    sizes: await sizesOf(stream),
    total,
    totalHonest: ended && total !== null ? total === rows : null,
    stable: await isStable(stream, pages),
    repeats: repeatedPage(stream, pages),
    resumes: await resumes(stream, pages),
    unmapped,
    msPerPage: Math.round(tookMs / Math.max(1, pages.length)),
    error: error === null ? null : `${error.class}: ${error.message} (${error.place})`,
  }
  return { profile, first }
}

async function sizesOf(stream: Stream): Promise<StreamProfile['sizes']> {
  const { sized } = stream
  if (sized === undefined) return []
  const sizes: StreamProfile['sizes'] = []
  for (const asked of askedSizes) {
    const came = await sized(asked).catch(() => null)
    sizes.push({ asked, came })
    if (came === null || came < asked) break
  }
  return sizes
}

async function isStable(stream: Stream, pages: readonly Page[]): Promise<boolean | null> {
  const looked = pages.slice(0, 3)
  if (looked.every((page) => page.rows.length === 0)) return null
  const again = await walk(stream, undefined, looked.length)
  return again.error === null && looked.every((page, at) => digestOf(page) === digestOf(again.pages[at]))
}

/** Of a snapshot and of a file with a manifest, equal rows are no sign of anything. */
function repeatedPage({ proof }: Stream, pages: readonly Page[]): string | null {
  if (proof === 'transaction' || proof === 'manifest') return null
  const known = new Set<string>()
  for (const page of pages) {
    const digest = digestOf(page)
    if (page.rows.length > 0 && known.has(digest)) return page.place
    known.add(digest)
  }
  return null
}

async function resumes(stream: Stream, [first, second]: readonly Page[]): Promise<boolean | null> {
  const from = first?.resume ?? null
  if (from === null || second === undefined) return null
  const again = await walk(stream, from, 1)
  return again.error === null && digestOf(again.pages[0]) === digestOf(second) && digestOf(first) !== digestOf(second)
}

function mapped(stream: Stream, pages: readonly Page[]): { first: string | null; unmapped: number } {
  let first: string | null = null
  let unmapped = 0
  for (const row of pages.flatMap((page) => page.rows)) {
    try {
      for (const piece of stream.map(row)) if (piece.piece === 'account') first ??= piece.id
    } catch {
      unmapped += 1
    }
  }
  return { first, unmapped }
}

async function probeSingles({ readOne }: ConnectorSession, account: string | null): Promise<Pick<Profile, 'finds' | 'saysAbsent'>> {
  if (readOne === undefined || account === null) return { finds: null, saysAbsent: null }
  const finds = await readOne(account).then((pieces) => pieces?.some((piece) => piece.piece === 'account') ?? false, () => false)
  const saysAbsent = await readOne(nobody).then((pieces) => pieces === null, () => false)
  return { finds, saysAbsent }
}

function adviceOn({ streams, finds, saysAbsent, requests, rateHeaders }: Omit<Profile, 'advice'>): string[] {
  const advice: string[] = []
  for (const { stream, error, unmapped, rows, stable, totalHonest, repeats, resumes: goesOn, verdict, reason, sizes, largestPage } of streams) {
    if (repeats !== null) {
      advice.push(`${stream}: the list ignores which page is asked for: ${repeats} gave the rows of an earlier one; set its paging to another kind, or to { by: once, whole: true } where one answer is known to hold everything`)
    }
    if (error !== null) advice.push(`${stream}: it could not be read to the end: ${error}`)
    if (unmapped > 0) advice.push(`${stream}: ${unmapped} of ${rows} rows can't be mapped; they would go to the dead letters`)
    if (stable === false) advice.push(`${stream}: the same pages came in another order the second time; ask for a sort by an id that never changes`)
    if (totalHonest === false) advice.push(`${stream}: the source’s count is not what came; a read can’t be proven complete by it`)
    if (goesOn === false && repeats === null) advice.push(`${stream}: the source does not honour the position after a page; choose another paging`)
    if (verdict === 'unknown') advice.push(`${stream}: ${reason ?? 'nothing proves that nothing is missing'}; absences in it will never count`)
    const most = sizes.at(-1)
    if (most?.came !== null && most !== undefined && most.came > largestPage * 2) advice.push(`${stream}: pages of ${most.came} rows are given, ${largestPage} are asked for; a larger page size saves requests`)
  }
  if (finds === false) advice.push('an account that is listed is not found singly: leave reread off')
  if (saysAbsent === false) advice.push('an account that does not exist is not told from one that can’t be read: leave reread off')
  if (requests > 0 && rateHeaders.length === 0) advice.push('no header tells a rate limit; what is allowed will be found out by trying')
  return advice
}

function recording(http: HttpClient, clock: Clock): { http: HttpClient; seen: { headers: Set<string>; limit: number | null; requests: number } } {
  const seen = { headers: new Set<string>(), limit: null as number | null, requests: 0 }
  const look = ({ headers }: HttpResponse): void => {
    seen.requests += 1
    for (const name of Object.keys(headers)) if (/^(retry-after|(x-)?rate-?limit)/.test(name)) seen.headers.add(name)
    seen.limit = rateHints(headers, clock.nowMs()).limit ?? seen.limit
  }
  return {
    seen,
    http: {
      async request(request) {
        const response = await http.request(request)
        look(response)
        return response
      },
    },
  }
}

const digestOf = (page: Page | undefined): string => fingerprint(page?.rows ?? null)
