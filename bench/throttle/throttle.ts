import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createHttpClient } from '../../src/connect/http.ts'
import { Limiter } from '../../src/connect/throttle/limiter.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { publishResults } from '../machine.ts'

/**
 * How much of what an application allows is reached, and how many requests are wasted: the shared client against an exponential backoff
 * with a fixed first delay, in turns, the same schedule of the application for both. `npm run bench -- throttle [seconds a turn] [least R] [largest R]`
 */
const seconds = Number(process.argv[2] ?? 30)
const [least = '40', largest = '200'] = process.argv.slice(3)
const readers = 16

interface Books {
  allowed: number
  answered: number
  refused: number
  refusedInBursts: number
}

type Read = (url: string, signal: AbortSignal) => Promise<unknown>

const clients: Readonly<Record<string, (origin: string, signal: AbortSignal) => Read>> = {
  'adaptive (src/connect)': (origin, signal) => {
    const limiter = new Limiter({ clock: systemClock, maxInFlight: readers })
    const http = createHttpClient({ origins: new Set([origin]), clock: systemClock, signal, limiter })
    return (url) => http.request({ method: 'GET', url })
  },
  'backoff (250 ms, doubling to 8 s)': () => async (url, signal) => {
    for (let delayMs = 250; ; delayMs = Math.min(8_000, delayMs * 2)) {
      const response = await fetch(url, { signal })
      await response.text()
      if (response.status === 200) return
      await systemClock.sleep(delayMs, signal)
    }
  },
}

const table: Record<string, string>[] = []
for (const [kind, name] of Object.entries({ shut: 'everything refused in bursts', fifth: 'one in five refused in bursts', none: 'no bursts' })) {
  for (const [client, make] of Object.entries(clients)) {
    const totals: Books = { allowed: 0, answered: 0, refused: 0, refusedInBursts: 0 }
    for (const seed of [1, 2]) {
      const books = await turn(kind, seed, make)
      for (const key of Object.keys(totals) as (keyof Books)[]) totals[key] += books[key]
    }
    const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`
    table.push({
      application: name,
      client,
      'pages/s': (totals.answered / (2 * seconds)).toFixed(0),
      'of what was allowed': share(totals.answered, totals.allowed),
      wasted: share(totals.refused, totals.answered + totals.refused),
      'of these by chance': share(totals.refusedInBursts, totals.answered + totals.refused),
    })
  }
}
publishResults('throttle', table)

async function turn(kind: string, seed: number, make: (origin: string, signal: AbortSignal) => Read): Promise<Books> {
  const server = spawn(process.execPath, [fileURLToPath(new URL('server.ts', import.meta.url)), kind, String(seed), least, largest], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer]
    const origin = `http://127.0.0.1:${port.toString().trim()}`
    const stop = new AbortController()
    const read = make(origin, stop.signal)
    const ends = performance.now() + seconds * 1_000
    const work = Promise.all(Array.from({ length: readers }, async () => {
      while (performance.now() < ends) await read(`${origin}/page`, stop.signal)
    }))
    await systemClock.sleep(seconds * 1_000, new AbortController().signal)
    const books = (await (await fetch(`${origin}/books`)).json()) as Books
    stop.abort()
    await work.catch(() => undefined)
    return books
  } finally {
    server.kill()
  }
}
