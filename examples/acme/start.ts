import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from '../../src/cli/main.ts'
import { prepareAcme } from './prepare.ts'
import { startPortal } from './portal/server.ts'
import { PortalData, PortalStore } from './portal/store.ts'

/** `npm start`: sets the company up in ./work at the first start, starts its portal, and runs grantline on it. */
const portalPort = 7411
const here = fileURLToPath(new URL('.', import.meta.url))
const work = join(here, 'work')

prepareAcme(work, Date.now())
const adminKey = randomBytes(24).toString('base64url')
const store = new PortalStore(PortalData.parse(JSON.parse(readFileSync(join(work, 'portal', 'portal.json'), 'utf8'))))
const portal = await startPortal(store, { port: portalPort, adminKey })
process.env['ACME_PORTAL_KEY'] = adminKey
try {
  process.exitCode = await main(['run', '--config', join(here, 'grantline.yaml'), ...process.argv.slice(2)])
} finally {
  await portal.close()
}
