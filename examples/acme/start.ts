import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithReader } from '../../src/cli/broken-pipe.ts'
import { main } from '../../src/cli/main.ts'
import { prepareAcme } from './prepare.ts'
import { startPortal, type Portal } from './portal/server.ts'
import { PortalData, PortalStore } from './portal/store.ts'

/**
 * `npm start`: sets the company up in ./work at the first start, starts its portal, and runs grantline on it. With
 * `-- --kafka host:port[,host:port]` its log is on those brokers.
 */
const portalPort = 7411
const here = fileURLToPath(new URL('.', import.meta.url))
const work = join(here, 'work')

endWithReader()
try {
  process.exitCode = await start(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function start(args: readonly string[]): Promise<number> {
  prepareAcme(work, Date.now())
  const portal = await openPortal()
  try {
    const [option, brokers, ...others] = args
    const [config, rest] = option === '--kafka' ? [onKafka(brokers ?? '127.0.0.1:9092'), others] : [join(here, 'grantline.yaml'), args]
    return await main(['run', '--config', config, ...rest])
  } finally {
    await portal.close()
  }
}

async function openPortal(): Promise<Portal> {
  const adminKey = randomBytes(24).toString('base64url')
  process.env['ACME_PORTAL_KEY'] = adminKey
  const data = PortalData.parse(JSON.parse(readFileSync(join(work, 'portal', 'portal.json'), 'utf8')))
  return await startPortal(new PortalStore(data), { port: portalPort, adminKey })
}

/** The same file with three lines more, beside it: the other commands take it with `--config` too. */
function onKafka(addresses: string): string {
  const file = join(here, 'kafka.yaml')
  const text = readFileSync(join(here, 'grantline.yaml'), 'utf8').replace('dataDir: ./work/data', 'dataDir: ./work/data-kafka')
  writeFileSync(file, `${text}\nkafka:\n  brokers: ${JSON.stringify(addresses.split(','))}\n  prefix: acme.\n`)
  return file
}
