import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Orders } from './child.ts'
import type { Fault, Marker } from './faults.ts'
import { adminKey, type Company } from './company.ts'
import { Outcome } from './outcome.ts'
import type { VariantName } from './variants.ts'

/** Whose config file, where the marker and the outcome go, and how many threads run the tasks (default: 1, the main one). */
export type Place = Pick<Company, 'directory' | 'file' | 'offsetMs'> & { readonly threads?: number }

type Reached = Marker['reached']

export const childEnv: NodeJS.ProcessEnv = { ...process.env, ACME_PORTAL_KEY: adminKey }

interface End {
  code: number | null
  signal: string | null
  errors: string
}

/** A process of the product on the company's directory, to its end. Answers which fault points it reached, in their order. */
export async function runToEnd(company: Place, variant: VariantName | null = null): Promise<Reached> {
  const { code, errors } = await start('child.ts', [orders(company, null, variant)], null)
  if (code !== 0) throw new Error(`the process ended with ${code}:\n${errors.slice(-4_000)}`)
  return markOf(company)!.reached
}

/** Throws unless the process killed itself at the fault. Answers which points it had reached by then. */
export async function killAt(company: Place, fault: Fault, variant: VariantName | null = null): Promise<Reached> {
  const { code, signal, errors } = await start('child.ts', [orders(company, fault, variant)], null)
  const { point, nth } = fault
  const mark = markOf(company)
  if (signal === 'SIGKILL' && mark?.fired?.point === point && mark.fired.nth === nth) return mark.reached
  throw new Error(`${point} was not reached ${nth} times: the process ended with ${signal ?? code}, and killed itself at ${mark?.fired?.point ?? 'nothing'}\n${errors.slice(-2_000)}`)
}

/** MB of the heap: a pass needs a third of it. */
const smallHeap = 256

/** Throws unless the process ran out of memory, which began to be short at the fault. Answers which points it had reached by then. */
export async function exhaustAt(company: Place, fault: Omit<Fault, 'how'>): Promise<Reached> {
  const { code, signal, errors } = await start('child.ts', [orders(company, { ...fault, how: 'exhaust' }, null)], null, [`--max-old-space-size=${smallHeap}`])
  const mark = markOf(company)
  // V8 ends a process by itself; a thread's death ends the process by way of an error
  if ((signal === 'SIGABRT' || code !== 0) && /out of memory|OUT_OF_MEMORY/.test(errors) && mark?.fired?.point === fault.point) return mark.reached
  throw new Error(`the process did not run out of memory after ${fault.point}: it ended with ${signal ?? code}\n${errors.slice(-2_000)}`)
}

/** Kills the process so long after its start. Where it ends by itself before: how long it took, ms. */
export async function killAfter(company: Place, ms: number): Promise<'killed' | { tookMs: number }> {
  const began = performance.now()
  const { code, signal, errors } = await start('child.ts', [orders(company, null, null)], ms)
  if (signal === 'SIGKILL') return 'killed'
  if (code !== 0) throw new Error(`the process ended with ${signal ?? code} before it was killed:\n${errors.slice(-4_000)}`)
  return { tookMs: performance.now() - began }
}

/** Of what a config file names; nothing else may run on it. */
export async function audit({ directory, file }: { directory: string; file: string }): Promise<Outcome> {
  const target = join(directory, 'outcome.json')
  const { code, errors } = await start('audit.ts', [file, target], null)
  if (code !== 0) throw new Error(`the audit failed:\n${errors.slice(-4_000)}`)
  return Outcome.parse(JSON.parse(readFileSync(target, 'utf8')))
}

const markerOf = (company: Place): string => join(company.directory, 'marker')

function markOf(company: Place): Marker | null {
  const path = markerOf(company)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Marker) : null
}

function orders(company: Place, fault: Fault | null, variant: VariantName | null): string {
  const marker = markerOf(company)
  rmSync(marker, { force: true })
  return JSON.stringify({ file: company.file, offsetMs: company.offsetMs, marker, fault, variant, threads: company.threads ?? 1 } satisfies Orders)
}

async function start(script: string, args: readonly string[], killAfterMs: number | null, flags: readonly string[] = []): Promise<End> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...flags, path, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // what a test set since counts too
    env: { ...process.env, ...childEnv },
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  return { code, signal, errors }
}
