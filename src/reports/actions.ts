import { z } from 'zod'
import { ActionState } from '../../schemas/wire/actions.ts'
import { FindingKind } from '../../schemas/wire/results.ts'
import type { Store } from '../ports/store.ts'
import { limitFilter, textFilter, where, type Report } from './report.ts'

export const ActionRow = z.object({
  id: z.string(), version: z.string(), state: ActionState, mode: z.string(), kind: z.string(), severity: z.string(), home: z.string(),
  identity: z.string().nullable(), app: z.string(), account: z.string().nullable(), entitlement: z.string().nullable(),
  object: z.string().nullable(), detail: z.string(), operations: z.array(z.string()), loses: z.array(z.string()), obstacle: z.string().nullable(),
  attempt: z.int(), commandId: z.string().nullable(), verdict: z.string().nullable(), reason: z.string().nullable(), by: z.string().nullable(),
  why: z.string().nullable(), due: z.int().nullable(), at: z.int(),
  cause: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
  position: z.object({ topic: z.string(), partition: z.int(), offset: z.int(), index: z.int() }),
})
export type ActionRow = z.infer<typeof ActionRow>

const positionType = 'Tuple(topic String, partition Int64, offset Int64, index Int64)'
const select = `
  a.id AS id, a.version AS version, a.state AS state, a.mode AS mode, a.kind AS kind, a.severity AS severity, a.home AS home,
  a.identity AS identity, a.app AS app, a.account AS account, a.entitlement AS entitlement, a.object AS object, a.detail AS detail,
  arrayMap((n, u, r, c) -> concat(n, ' ', u, if(r IS NULL, '', concat(' ', assumeNotNull(r))), if(c IS NULL, '', concat(' ', assumeNotNull(c)))),
    a.operations.name, a.operations.account, a.operations.ref, a.operations.credential) AS operations,
  arrayMap((e, d) -> concat(e, if(d, ' (desired)', '')), a.loses.entitlement, a.loses.desired) AS loses,
  a.obstacle AS obstacle, a.attempt AS attempt, a.command_id AS commandId, a.verdict AS verdict, a.reason AS reason, a.\`by\` AS \`by\`,
  a.why AS why, toUnixTimestamp64Milli(a.due) AS due, toUnixTimestamp64Milli(a.at) AS at,
  CAST((a.cause_topic, a.cause_partition, a.cause_offset, a.cause_index), '${positionType}') AS cause,
  CAST((a.topic, a.partition, a.offset, a.\`index\`), '${positionType}') AS position`
/** What comes first in any list: leavers, then what is taken away, then what is given. */
const order = `indexOf(['critical', 'high', 'medium', 'low'], a.severity), a.kind, a.app, a.account, a.entitlement, a.id`

export const ActionFilters = z.strictObject({
  state: ActionState.nullable().default(null),
  kind: FindingKind.nullable().default(null),
  app: textFilter,
  identity: textFilter,
  account: textFilter,
  limit: limitFilter,
})
export type ActionFilters = z.infer<typeof ActionFilters>

const conditionsOf = (filters: Omit<ActionFilters, 'limit'>) => [
  ['a.state = {state:String}', filters.state],
  ['a.kind = {kind:String}', filters.kind],
  ['a.app = {app:String}', filters.app],
  ['a.identity = {identity:String}', filters.identity],
  ['a.account = {account:String}', filters.account],
] as const

/** The latest state of every action. */
export const actions: Report<ActionFilters, ActionRow> = {
  name: 'actions',
  summary: 'what was proposed about findings, decided, written and verified',
  filters: ActionFilters,
  restsOnSources: false,
  columns: [
    { key: 'id', title: 'id', kind: 'id' },
    { key: 'state', title: 'state', kind: 'text' },
    { key: 'mode', title: 'policy', kind: 'text' },
    { key: 'kind', title: 'kind', kind: 'text' },
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'account', title: 'account', kind: 'text' },
    { key: 'identity', title: 'identity', kind: 'text' },
    { key: 'entitlement', title: 'entitlement', kind: 'text' },
    { key: 'verdict', title: 'write', kind: 'text' },
    { key: 'by', title: 'by', kind: 'text' },
    { key: 'at', title: 'since', kind: 'time' },
    { key: 'reason', title: 'reason', kind: 'text' },
  ],
  run: (store, filters) => rows(store, where(conditionsOf(filters)), filters),
}

export const PlanFilters = ActionFilters.omit({ state: true })
export type PlanFilters = z.infer<typeof PlanFilters>

/** What would be written, and what else it would take away. */
export const plan: Report<PlanFilters, ActionRow> = {
  name: 'plan',
  summary: 'what would be written, and what else it would change',
  filters: PlanFilters,
  restsOnSources: true,
  columns: [
    { key: 'id', title: 'id', kind: 'id' },
    { key: 'state', title: 'state', kind: 'text' },
    { key: 'mode', title: 'policy', kind: 'text' },
    { key: 'kind', title: 'kind', kind: 'text' },
    { key: 'app', title: 'app', kind: 'text' },
    { key: 'operations', title: 'would write', kind: 'list' },
    { key: 'loses', title: 'takes with it', kind: 'list' },
    { key: 'obstacle', title: 'in the way', kind: 'text' },
  ],
  run: (store, filters) =>
    rows(store, where([...conditionsOf({ ...filters, state: null }), [`a.state NOT IN ('verified', 'withdrawn', 'rejected')`, true]]), filters),
}

const rows = (store: Store, conditions: string, filters: ActionFilters | PlanFilters): Promise<ActionRow[]> =>
  store.query(`SELECT ${select} FROM actions_now AS a ${conditions} ORDER BY ${order} LIMIT {limit:UInt32}`, filters, ActionRow)

/** The latest state of actions whose id begins with `prefix`; at most two, which is enough to know that it is ambiguous. */
export function actionById(store: Store, prefix: string): Promise<ActionRow[]> {
  return store.query(`SELECT ${select} FROM actions_now AS a WHERE startsWith(a.id, {prefix:String}) ORDER BY a.id LIMIT 2`, { prefix }, ActionRow)
}

/** Every change of one action, oldest first. */
export function actionHistory(store: Store, id: string): Promise<ActionRow[]> {
  return store.query(`SELECT ${select} FROM action_log AS a WHERE a.id = {id:String} ORDER BY a.offset, a.\`index\``, { id }, ActionRow)
}
