import type { KeysBaseline } from '../../schemas/wire/raw.ts'
import type { Scope } from './scope.ts'

/** What a verdict about an account's access rests on besides the account itself. */
const needed = ['memberships', 'grants', 'definitions']

/** Classes of the app that this partition has told facts the baseline of. */
const marked = ({ context }: Scope, app: string): readonly string[] => context.state.get<readonly string[]>('marks', app) ?? []

/** Whether this partition has all of a class, or somebody vouched for that. */
export const isMarked = (scope: Scope, app: string, name: string): boolean => marked(scope, app).includes(name)

/** Classes of the app that were complete in runs that are finished: a later one that has ended may lag behind. */
const provenTable = 'proven'

/**
 * Tells facts the baselines of classes that have now been complete, each once. The mark of `accounts` vouches for what the accounts
 * hold too, so it waits for those classes of assignments and definitions that the app's newest run declared.
 */
export function markComplete(scope: Scope, app: string, proven: readonly string[]): void {
  const { context: { state }, runs } = scope
  const before = state.get<readonly string[]>(provenTable, app) ?? []
  const complete = [...before, ...proven.filter((name) => !before.includes(name))]
  if (complete.length > before.length) state.put(provenTable, app, complete)
  const declared = runs.declared(app)
  mark(scope, app, declared.filter((name) => name !== 'accounts' && complete.includes(name)))
  if (!complete.includes('accounts')) return
  const all = marked(scope, app)
  if (needed.every((name) => !declared.includes(name) || all.includes(name))) mark(scope, app, ['accounts'])
}

/** A person vouches for the app: everything that its newest run declared counts as complete once. */
export function markDeclared(scope: Scope, app: string): void {
  mark(scope, app, [...scope.runs.declared(app).filter((name) => name !== 'accounts'), 'accounts'])
}

export function forgetMarks({ context }: Scope, app: string): void {
  for (const table of ['marks', provenTable]) context.state.delete(table, app)
}

/** Passes on that an intent partition has sent a feed's keys: everything that they changed here was sent before this. */
export function forwardKeys({ context }: Scope, { feed, class: name, writer }: Pick<KeysBaseline, 'feed' | 'class' | 'writer'>): void {
  context.broadcast('facts', {
    type: 'Baseline', stage: 'keys', source: feed, class: name, writer, via: context.partition, at: context.now,
    cause: context.position,
  })
}

function mark(scope: Scope, app: string, names: readonly string[]): void {
  const { context } = scope
  const before = marked(scope, app)
  const fresh = names.filter((name) => !before.includes(name))
  for (const name of fresh) {
    context.broadcast('facts', {
      type: 'Baseline', stage: 'observed', source: app, class: name, writer: context.partition, via: null, at: context.now,
      cause: context.position,
    })
  }
  if (fresh.length > 0) context.state.put('marks', app, [...before, ...fresh])
}
