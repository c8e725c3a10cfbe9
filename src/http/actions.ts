import { z } from 'zod'
import type { ActionDecision } from '../../schemas/wire/actions.ts'
import type { Store } from '../ports/store.ts'
import { actionById, type ActionRow } from '../reports/actions.ts'
import type { Outgoing } from '../runtime/publisher.ts'
import { ApiError } from './api-error.ts'

const who = { by: z.string().min(1).describe('who decided'), why: z.string().min(1).describe('why') }

/** A person's word on actions. `ids`: each an id, or the beginning of one; all of them are decided, or none. */
export const ActionRequest = z.discriminatedUnion('decision', [
  z.strictObject({ decision: z.enum(['approve', 'reject']), ids: z.array(z.string().min(1)).min(1), ...who }),
  z.strictObject({ decision: z.literal('release'), app: z.string().min(1), until: z.int().nullable().default(null).describe('ms; until then the brake holds nothing'), ...who }),
])
export type ActionRequest = z.infer<typeof ActionRequest>

/** Throws ApiError where no action, or more than one, has an id that begins so. */
export async function oneAction(store: Store, id: string): Promise<ActionRow> {
  const [first, other] = await actionById(store, id)
  if (first === undefined) throw new ApiError(404, `there is no action ${id}; \`grantline actions list\` lists them`)
  if (other !== undefined) throw new ApiError(400, `${id} is the beginning of more than one action: give more of it`)
  return first
}

/** The records that carry a decision to the log. Throws ApiError where it could not be followed as things stand. */
export async function decisionsOf(store: Store, request: ActionRequest, apps: readonly string[], at: number): Promise<Outgoing[]> {
  const { by, why } = request
  if (request.decision === 'release') {
    const { app, until } = request
    if (!apps.includes(app)) throw new ApiError(404, `there is no application ${app}; there are ${apps.join(', ')}`)
    return [outgoing({ type: 'ActionDecision', app, finding: null, version: null, decision: 'release', by, why, until, at })]
  }
  const { decision } = request
  const found = await Promise.all(request.ids.map((id) => oneAction(store, id)))
  for (const action of found) refuseWrong(action, decision)
  return found.map(({ app, id, version }) => outgoing({ type: 'ActionDecision', app, finding: id, version, decision, by, why, until: null, at }))
}

function refuseWrong({ id, state, mode, obstacle, app, kind }: ActionRow, decision: 'approve' | 'reject'): void {
  const name = id.slice(0, 8)
  const decidable = decision === 'approve' ? ['proposed', 'failed', 'contested', 'rejected'] : ['proposed', 'approved', 'held', 'failed', 'contested']
  if (!decidable.includes(state)) throw new ApiError(409, `action ${name} is ${state}: it can't be ${decision === 'approve' ? 'approved' : 'rejected'}${state === 'held' ? `, but released: \`grantline actions release ${app}\`` : ''}`)
  if (decision === 'reject') return
  if (mode === 'observe') throw new ApiError(409, `the policy of ${app} for ${kind} is observe: set it to approve in apps.${app}.remedy.policy to write anything`)
  if (obstacle !== null) throw new ApiError(409, `nothing can be written for action ${name}: ${obstacle}`)
}

const outgoing = (record: ActionDecision): Outgoing => ({ topic: 'actions', key: record.app, record })
