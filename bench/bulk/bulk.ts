import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RestConfig } from '../../connectors/rest/config.ts'
import { connector } from '../../connectors/rest/connector.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openLog } from '../../src/data-directory.ts'
import { createPlatform } from '../../src/connect/platform.ts'
import { runSnapshot } from '../../src/connect/run.ts'
import { Source } from '../../src/connect/source.ts'
import { Limiter } from '../../src/connect/throttle/limiter.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { openPublisher } from '../../src/runtime/publisher.ts'
import { anonymousMb, publishResults } from '../machine.ts'

/**
 * A complete snapshot of a large application over HTTP paging through `rest`, to the log on disk. Says how fast, how much of it is the
 * application's own time (the same pages fetched and thrown away), and how memory behaves. `npm run bench -- bulk [accounts]`
 */
const accounts = Number(process.argv[2] ?? 1_000_000)
const directory = mkdtempSync(join(tmpdir(), 'bench-bulk-'))
const server = spawn(process.execPath, [fileURLToPath(new URL('server.ts', import.meta.url)), String(accounts)], { stdio: ['ignore', 'pipe', 'inherit'] })
const [port] = (await once(server.stdout, 'data')) as [Buffer]
const origin = `http://127.0.0.1:${port.toString().trim()}`

const bare = await timed(async () => {
  for (let cursor: string | null = '0'; cursor !== null; ) {
    const page = (await (await fetch(`${origin}/users?limit=1000&cursor=${cursor}`)).json()) as { next: string | null }
    cursor = page.next
  }
})

const config = RestConfig.parse({
  baseUrl: origin,
  paging: { by: 'cursor' },
  pageSize: 1_000,
  streams: [{
    name: 'users', path: '/users', rows: 'body.items', total: 'body.total', next: 'body.next',
    map: [
      { piece: 'account', id: 'row.id', display: 'row.name', status: 'row.active ? "active" : "disabled"', values: { mail: 'row.mail' } },
      { piece: 'grant', for: 'row.roles', account: 'row.id', entitlement: 'item' },
    ],
  }],
})
const log = await openLog(join(directory, 'log'), 4, 'disk')
const codec = createFileCodec(log.schemas)
const signal = new AbortController().signal
const limiter = new Limiter({ clock: systemClock })
const platform = createPlatform({ app: 'bulk', config, clock: systemClock, signal, env: {}, baseDir: directory, limiter })
const source = new Source('bulk', await openPublisher({ log, codec, clock: systemClock, id: 'app/bulk' }), systemClock)
const memory: number[] = []
const watch = setInterval(() => memory.push(anonymousMb()), 500)
let verdict = ''
const snapshot = await timed(async () => {
  const result = await runSnapshot({
    source, partitions: 4, dataDir: directory, settings: '', signal, canonical: (native) => native, open: () => connector.open(config, platform),
  })
  verdict = `${result.verdict}, ${result.classes.map((item) => `${item.read} ${item.class}`).join(', ')}`
})
clearInterval(watch)
server.kill()
await log.close()
rmSync(directory, { recursive: true })

const quarter = (from: number): number => Math.round(Math.max(...memory.slice(Math.floor((memory.length * from) / 4), Math.ceil((memory.length * (from + 1)) / 4))))
publishResults('bulk', [{
  accounts,
  verdict,
  seconds: Math.round(snapshot.seconds),
  'accounts/s': Math.round(accounts / snapshot.seconds),
  'CPU µs an account': Math.round((snapshot.cpuSeconds * 1e6) / accounts),
  'application alone, s': Math.round(bare.seconds),
  'largest anonymous memory by quarter, MB': [0, 1, 2, 3].map(quarter).join(' '),
}])

async function timed(work: () => Promise<void>): Promise<{ seconds: number; cpuSeconds: number }> {
  const cpu = process.cpuUsage()
  const begun = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - begun) / 1_000, cpuSeconds: (user + system) / 1e6 }
}
