import { writeFileSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { openDataDirectory, roleNames, startGrantline, type DataDirectory } from '../../src/compose.ts'
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts'
import { armFaults, faultPoints, type FaultPoint } from '../../src/core/fault.ts'
import { variants, type VariantName } from './variants.ts'
import { wallClock } from '../support/one-pass.ts'

/**
 * One process of the product: what `grantline run --once` does with the config file, with a clock that is `offsetMs` ahead. With a
 * fault it kills itself at the nth time that a point is reached, having written `marker`. Without one it exits with 0 when all is
 * drained, having written to `marker` how often it reached which point.
 */
const Orders = z.strictObject({
  file: z.string(),
  offsetMs: z.number(),
  marker: z.string(),
  fault: z.strictObject({ point: z.enum([...faultPoints, 'variant']), nth: z.int().min(1) }).nullable(),
  variant: z.enum(Object.keys(variants) as VariantName[]).nullable(),
})
export type Orders = z.infer<typeof Orders>

const { file, offsetMs, marker, fault, variant } = Orders.parse(JSON.parse(process.argv[2] ?? ''))
const reached = new Map<FaultPoint | 'variant', number>()
const reach = (point: FaultPoint | 'variant'): void => {
  const times = (reached.get(point) ?? 0) + 1
  reached.set(point, times)
  if (point !== fault?.point || times !== fault.nth) return
  writeFileSync(marker, `${point} ${times}`)
  process.kill(process.pid, 'SIGKILL')
}
armFaults(reach)

const open = async (config: LoadedConfig): Promise<DataDirectory> => {
  const directory = await openDataDirectory(config, process.env)
  return variant === null ? directory : variants[variant](directory, () => reach('variant'))
}
const grantline = await startGrantline(
  await loadConfig(file),
  {
    clock: wallClock(() => Date.now() + offsetMs),
    env: process.env,
    release: 'test',
    roles: new Set(roleNames),
    onConnectEvent: (event) => writeSync(2, `${JSON.stringify(event)}\n`),
    onTrouble: (what) => writeSync(2, `! ${what}\n`),
  },
  open,
)
try {
  await Promise.race([grantline.drained(), grantline.failed])
} finally {
  await grantline.stop()
}
writeFileSync(marker, JSON.stringify(Object.fromEntries(reached)))
