import { accountHome } from '../../src/core/keys.ts'
import { splitKey } from './account.ts'
import type { AccountIntentRow } from './intent.ts'
import { intentOf } from './intent.ts'
import type { Job } from './job.ts'
import type { Scope } from './scope.ts'
import { accountOf } from './stored.ts'
import type { Progress } from './work.ts'

/** Keeps up whether this account is named by governance and was never there. */
export function noteNamed(scope: Scope, key: string): void {
  const { context: { state }, unresolved } = scope
  const intent = intentOf(state, key)
  const isStrange = intent !== null && intent.met !== true && isInForce(intent) && accountOf(state, key) === undefined
  const { app, id } = splitKey(key)
  const name = accountHome(app, id)
  if (isStrange === unresolved.has(app, name)) return
  if (isStrange) unresolved.add(app, name)
  else unresolved.remove(app, name)
}

/** The account is there. */
export function meet({ unresolved }: Scope, key: string): void {
  const { app, id } = splitKey(key)
  unresolved.remove(app, accountHome(app, id))
}

/** One slice of all that governance names, which an older version did not note. */
export function noteAllNamed(scope: Scope, { after }: Extract<Job, { kind: 'note-named' }>, budget: number): Progress {
  let last = after
  let spent = 0
  for (const [key] of scope.context.state.range<AccountIntentRow>('account-intents', last === null ? {} : { after: last })) {
    if (spent >= budget) return { job: { kind: 'note-named', after: last }, spent }
    noteNamed(scope, key)
    last = key
    spent++
  }
  return { job: null, spent }
}

const isInForce = ({ link, owner, entries, revoked }: AccountIntentRow): boolean => link !== null || owner !== null || entries.length > 0 || revoked !== null
