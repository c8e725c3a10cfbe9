import { writeSync } from 'node:fs'
import { z } from 'zod'
import { roleNames } from '../../src/roles.ts'
import { startGrantline } from '../../src/compose.ts'
import { openDataDirectory, type DataDirectory } from '../../src/data-directory.ts'
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts'
import { Fault, Killer, threadOrders } from './faults.ts'
import { variants, type VariantName } from './variants.ts'
import { wallClock } from '../support/one-pass.ts'

/**
 * One process of the product: what `grantline run --once` does with the config file, with a clock that is `offsetMs` ahead. With a
 * fault it kills itself there. Without one it exits with 0 when all is drained. Before either it writes to `marker` which points it
 * reached, in their order; of several threads, each counts for itself and the one that kills writes what it reached.
 */
const Orders = z.strictObject({
  file: z.string(),
  offsetMs: z.number(),
  marker: z.string(),
  fault: Fault.nullable(),
  variant: z.enum(Object.keys(variants) as VariantName[]).nullable(),
  /** that run the tasks; 1: the main one does */
  threads: z.int().min(1),
})
export type Orders = z.input<typeof Orders>

const { file, offsetMs, marker, fault, variant, threads } = Orders.parse(JSON.parse(process.argv[2] ?? ''))
const killer = new Killer(fault, marker)
// threads have a copy of the environment
process.env[threadOrders] = JSON.stringify({ offsetMs, fault, marker })

const open = async (config: LoadedConfig): Promise<DataDirectory> => {
  const directory = await openDataDirectory(config, process.env)
  return variant === null ? directory : variants[variant](directory, () => killer.reach('variant'))
}
const grantline = await startGrantline(
  await loadConfig(file),
  {
    clock: wallClock(() => Date.now() + offsetMs),
    env: process.env,
    release: 'test',
    roles: new Set(roleNames),
    ...(threads === 1 ? {} : { threads: { count: threads, entry: new URL('child-thread.ts', import.meta.url) } }),
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
killer.mark(null)
