import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * An application that allows R requests a second (a bucket of half a second's worth), where R changes every few seconds without
 * notice, and that has bursts in which it refuses for no reason; never a header that says so. Prints its port; GET /page asks,
 * GET /books answers what it allowed since the first request and what it answered. Arguments: kind of burst, seed, least R, largest R.
 */
const [kind = 'none', seed = '1', least = '40', largest = '200'] = process.argv.slice(2)

const random = generator(Number(seed))
const books = { allowed: 5, answered: 0, refused: 0, refusedInBursts: 0 }
let perSecond = 100
let tokens = 5
let begun: number | null = null
let before = 0
/** ms since the first request */
let changesAt = 3_000
let burst = { from: 1_500, to: 1_900 }

const server = createServer((request, response) => {
  if (request.url === '/books') {
    advance()
    response.end(JSON.stringify(books))
    return
  }
  begun ??= performance.now()
  advance()
  const now = performance.now() - begun
  const inBurst = kind !== 'none' && now >= burst.from && now < burst.to
  const byChance = inBurst && (kind === 'shut' || random() < 0.2)
  const allowed = !byChance && tokens >= 1
  if (allowed) tokens -= 1
  books[allowed ? 'answered' : 'refused'] += 1
  if (byChance) books.refusedInBursts += 1
  setTimeout(() => response.writeHead(allowed ? 200 : 429).end('[]'), 2 + 6 * Math.random())
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

/** Time passes in steps of at most a millisecond's worth of what changes. */
function advance(): void {
  if (begun === null) return
  const now = performance.now() - begun
  for (let at = before; at < now; ) {
    const to = Math.min(now, at + 1)
    if (at >= changesAt) {
      perSecond = Number(least) * (Number(largest) / Number(least)) ** random()
      changesAt = at + 4_000 + 4_000 * random()
    }
    if (at >= burst.to) {
      const from = at + 2_500 + 2_500 * random()
      burst = { from, to: from + 200 + 400 * random() }
    }
    const shut = kind === 'shut' && at >= burst.from && at < burst.to
    const refill = shut ? 0 : (perSecond * (to - at)) / 1_000
    tokens = Math.min(Math.max(2, perSecond / 2), tokens + refill)
    books.allowed += refill
    at = to
  }
  before = now
}

function generator(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
