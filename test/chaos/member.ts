import { writeFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { roleNames } from '../../src/roles.ts'
import { startGrantline, type Grantline } from '../../src/compose.ts'
import { openDataDirectory } from '../../src/data-directory.ts'
import { loadConfig } from '../../src/config/load.ts'
import { armFaults, faultPoints, type FaultPoint } from '../../src/core/fault.ts'
import { variantNames, variants } from './variants.ts'
import { wallClock } from '../support/one-pass.ts'

/**
 * One process of an installation that shares its log: what `grantline run` does with the config file, with a clock that is `offsetMs`
 * ahead. `drain`: it ends with 0 when all is drained, else at SIGTERM. At the nth time that a fault point is reached it writes `marker`
 * and sends itself the signal. It ends with 3, and says why, where it can't go on.
 */
export const Orders = z.strictObject({
  file: z.string(),
  offsetMs: z.number(),
  marker: z.string(),
  drain: z.boolean(),
  fault: z.strictObject({ point: z.enum([...faultPoints, 'variant']), nth: z.int().min(1), signal: z.enum(['SIGKILL', 'SIGSTOP']) }).nullable(),
  variant: z.enum(variantNames).nullable(),
})
export type Orders = z.infer<typeof Orders>

const { file, offsetMs, marker, drain, fault, variant } = Orders.parse(JSON.parse(process.argv[2] ?? ''))
let times = 0
const reach = (point: FaultPoint | 'variant'): void => {
  if (point !== fault?.point || ++times !== fault.nth) return
  writeFileSync(marker, `${point} ${times}`)
  process.kill(process.pid, fault.signal)
}
armFaults(reach)

const lastWordsMs = 10_000
const sayEveryMs = 60_000
const say = (line: string): unknown => writeSync(2, `${line}\n`)
/** That one which is never drained says what it waits for. */
async function drained(of: Grantline): Promise<void> {
  const watch = setInterval(() => void of.progress().then((tasks) => say(`tasks: ${JSON.stringify(tasks.filter(({ offset, end, lagging, trouble }) => offset < end || lagging || trouble !== null))}`)), sayEveryMs)
  await of.drained((phase) => say(`waits: ${JSON.stringify(phase)}`)).finally(() => clearInterval(watch))
}

const told = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
let grantline: Grantline | undefined
try {
  const open = variant === null ? openDataDirectory : await variants[variant](() => reach('variant'))
  grantline = await startGrantline(
    await loadConfig(file),
    {
      clock: wallClock(() => Date.now() + offsetMs),
      env: process.env,
      release: 'test',
      roles: new Set(roleNames),
      onConnectEvent: (event) => event.event === 'problem' && say(`! ${JSON.stringify(event)}`),
      onTrouble: (what) => say(`! ${what}`),
      log: (level, message, { error }) => level === 'warn' && say(`  ${message}${typeof error === 'string' ? `: ${error}` : ''}`),
    },
    open,
  )
  say('started')
  await Promise.race([drain ? drained(grantline) : told, grantline.failed])
  await grantline.stop()
  process.exit(0)
} catch (error) {
  say(`ends: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  // one that exits in the midst of writing its copies may wait for ever
  await Promise.race([grantline?.stop().catch(() => undefined), sleep(lastWordsMs)])
  process.exit(3)
}
