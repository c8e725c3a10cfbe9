import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { formatPosition } from '../http/explain.ts'
import type { ActionRequest } from '../http/actions.ts'
import { timeOf } from '../http/filters.ts'
import { ApiError } from '../http/api-error.ts'
import type { ActionStep, Api, Filters } from '../http/api.ts'
import { ActionRow } from '../reports/actions.ts'
import { wholeText } from '../reports/held-text.ts'
import { withApi } from './with-api.ts'

const mostRows = 100_000

/** States in which nothing more happens soon, or without a person. */
const settled: ReadonlySet<ActionRow['state']> = new Set(['verified', 'failed', 'contested', 'rejected', 'withdrawn', 'held'])

export async function decideActions(configFile: string, request: ActionRequest): Promise<void> {
  const recorded = await withApi(configFile, (api) => api.decideActions(request))
  const what = request.decision === 'release' ? `release of what the brake of ${request.app} holds` : `${request.decision} of ${recorded} ${recorded === 1 ? 'action' : 'actions'}`
  console.log(`${what} recorded, by ${request.by}; \`grantline actions list\` shows what comes of it`)
}

/**
 * Approves everything in the plan that waits for a person, then follows it until nothing more happens by itself. Throws where not all of
 * it was written by then.
 */
export async function apply(configFile: string, filters: Filters, by: string, why: string, waitSeconds: number): Promise<void> {
  await withApi(configFile, async (api) => {
    const plan = await rowsOf(api, 'plan', filters)
    const mine = plan.filter(({ state, mode, obstacle }) => state === 'proposed' && mode !== 'observe' && obstacle === null)
    if (mine.length === 0) {
      console.log('nothing in the plan waits for a person; `grantline plan` shows all of it, with what is in the way')
      return
    }
    const ids = mine.map(({ id }) => id)
    await api.decideActions({ decision: 'approve', ids, by, why })
    for (const { id, operations, loses } of mine) {
      console.log(`${id.slice(0, 8)}  ${operations.join(', ')}${loses.length === 0 ? '' : `  (takes with it: ${loses.join(', ')})`}`)
    }
    console.log(`${mine.length} approved, by ${by}`)
    const ended = await follow(api, filters, new Map(mine.map(({ id }) => [id, 'proposed'])), waitSeconds)
    const undone = ended.filter(({ state }) => undoneStates.has(state))
    const held = [...new Set(undone.filter(({ state }) => state === 'held').map(({ app }) => app))]
    if (undone.length > 0) throw new Error([`${undone.length} of ${mine.length} are not written`, ...held.map((app) => `the brake holds some: \`grantline actions release ${app}\``)].join('; '))
  })
}

const undoneStates: ReadonlySet<string> = new Set<ActionRow['state']>(['failed', 'contested', 'rejected', 'held'])

/** Prints each step that the actions take, and answers them when nothing more happens to any. `told`: by id, what was said of it. */
async function follow(api: Api, filters: Filters, told: Map<string, string>, waitSeconds: number): Promise<ActionRow[]> {
  for (let waited = 0; ; waited++) {
    const now = (await rowsOf(api, 'actions', filters)).filter(({ id }) => told.has(id))
    for (const { id, state, verdict, reason } of now) {
      const line = [state, verdict, reason].filter((part) => part !== null).join(': ')
      if (told.get(id) !== line) console.log(`${id.slice(0, 8)}  ${line}`)
      told.set(id, line)
    }
    if (now.every(({ state }) => settled.has(state))) return now
    if (waited >= waitSeconds) throw new Error(`still on the way after ${waitSeconds} s; \`grantline actions list\` shows where each is`)
    await pause(1_000)
  }
}

export async function showAction(configFile: string, id: string, format: 'table' | 'json'): Promise<void> {
  const steps = await withApi(configFile, (api) => api.action(id))
  process.stdout.write(format === 'json' ? `${JSON.stringify(steps, null, 2)}\n` : `${actionLines(steps, '').join('\n')}\n`)
}

/** One action from its proposal on: what became of it, and the records that made it so. */
export function actionLines(steps: readonly ActionStep[], indent: string): string[] {
  return steps.flatMap(({ action, because }, i) => {
    const { state, at, verdict, reason, by, why, operations, loses, obstacle } = action
    const head = [`${new Date(at).toISOString()}  ${state}`, verdict, reason].filter((part) => part !== null).join(': ')
    return [
      `${indent}${head}${by === null ? '' : `  by ${by}: ${why ?? ''}`}`,
      ...(i === 0 || state === 'proposed' ? [`${indent}  would write: ${operations.join(', ') || `nothing: ${obstacle ?? ''}`}${loses.length === 0 ? '' : `; takes with it: ${loses.join(', ')}`}`] : []),
      ...tree(because, `${indent}  `),
    ]
  })
}

const tree = (because: ActionStep['because'], indent: string): string[] =>
  because.flatMap((step) => [`${indent}${step.says}`, `${indent}  ${step.type} at ${formatPosition(step.position)}`, ...tree(step.because, `${indent}  `)])

/** All of them. Throws where there are more than can be told at once. */
async function rowsOf(api: Api, report: 'plan' | 'actions', filters: Filters): Promise<ActionRow[]> {
  const { text, cutAt } = await api.report(report, { ...filters, limit: String(mostRows) }, 'json', 0)
  if (cutAt !== null) throw new ApiError(400, `there are more than ${cutAt} actions: choose some by --app, --kind, --identity or --account`)
  return z.array(ActionRow).parse(JSON.parse(await wholeText(text)))
}

export function secondsOf(text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw new ApiError(400, `--wait: "${text}" is no whole number of seconds`)
  return Number(text)
}

export const untilOf = (text: string | undefined): number | null => (text === undefined ? null : timeOf('--until', text))
