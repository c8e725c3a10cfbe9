import { writeFileSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { openDataDirectory, roleNames, startGrantline, type DataDirectory } from '../../src/compose.ts'
import { loadConfig, type LoadedConfig } from '../../src/config/load.ts'
import { armFaults, faultPoints, type FaultPoint } from '../../src/core/fault.ts'
import { variants, type VariantName } from './variants.ts'
import { wallClock } from '../support/one-pass.ts'

/**
 * One process of the product: what `grantline run --once` does with the config file, with a clock that is `offsetMs` ahead. With a
 * fault it kills itself at the nth time that a point is reached, counted since `after` was reached where that is given. Without one it
 * exits with 0 when all is drained. Before either it writes to `marker` which points it reached, in their order.
 */
const Orders = z.strictObject({
  file: z.string(),
  offsetMs: z.number(),
  marker: z.string(),
  fault: z.strictObject({ point: z.enum([...faultPoints, 'variant']), nth: z.int().min(1), after: z.enum(faultPoints).nullable().default(null) }).nullable(),
  variant: z.enum(Object.keys(variants) as VariantName[]).nullable(),
})
export type Orders = z.input<typeof Orders>

/** What the process leaves behind; `fired`: it killed itself at this fault. */
export interface Marker {
  fired: Orders['fault']
  reached: readonly (FaultPoint | 'variant')[]
}

const { file, offsetMs, marker, fault, variant } = Orders.parse(JSON.parse(process.argv[2] ?? ''))
const reached: Marker['reached'][number][] = []
let counts = fault?.after === null
let times = 0
const mark = (fired: Orders['fault']): void => writeFileSync(marker, JSON.stringify({ fired, reached } satisfies Marker))
const reach = (point: Marker['reached'][number]): void => {
  reached.push(point)
  counts ||= point === fault?.after
  if (point !== fault?.point || !counts || ++times !== fault.nth) return
  mark(fault)
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
mark(null)
