import type { Account } from '../../schemas/wire/raw.ts'
import type { Observed } from './reading.ts'
import type { Expected } from './scenario.ts'

/**
 * What a single read got wrong, in sentences; none where it is right or told as a loss. `truths`: the account as it was and as it is. Pure.
 */
export function judgeSingle(id: string, { accounts, letters, problems }: Observed, truths: readonly Account[], expected: Expected): string[] {
  const told = accounts.filter((account) => account.id === id)
  const others = accounts.filter((account) => account.id !== id)
  const wrong = others.map((account) => `${account.id} was told, and not asked for`)
  if (told.length > 1) wrong.push(`${id} was told ${told.length} times`)
  const losses = letters.length + problems.length
  const [record] = told
  if (record === undefined) return losses === 0 ? [...wrong, 'nothing is told, and no loss'] : expected === 'exact' ? [...wrong, `not read: ${[...problems, ...letters.map(({ reason }) => reason)].join('; ')}`] : wrong
  if (!says(record, truths)) wrong.push(record.gone ? `${id} is told as gone, and it is there` : `${id} is not told as it is`)
  return wrong
}

/** Whether an observation says nothing but what was so at some time. What it leaves open, it does not say. */
function says(record: Account, truths: readonly Account[]): boolean {
  if (record.gone) return truths.some(({ gone }) => gone)
  const there = truths.filter(({ gone }) => !gone)
  const attributes = (of: Account): string => JSON.stringify({ ...of.attributes, whole: true })
  if (record.attributes !== null && !there.some((truth) => attributes(truth) === attributes(record))) return false
  return (['memberships', 'grants', 'credentials'] as const).every((facet) => {
    const told = record[facet]
    const keys = (of: Account): string[] => (of[facet]?.added ?? []).map((entry) => JSON.stringify(entry)).sort()
    const own = keys(record)
    return told === null || truths.some((truth) => (told.whole ? keys(truth).join() === own.join() : own.every((key) => keys(truth).includes(key))))
  })
}

/** What changes were asked for and told: poll by poll, and what the changed accounts are in the end. */
interface ChangesSeen {
  polls: readonly (Observed & { outcome: string })[]
  /** by id; gone where it is no more */
  truths: ReadonlyMap<string, Account>
  /** told by a snapshot that a lost cursor asked for */
  caughtUp: boolean
}

/**
 * `exact`: everything that changed is told, and no question failed. `partial`: something failed and was told, and what changed is told after
 * all. `safe`: what is not told was named. Pure.
 */
export function judgeChanges({ polls, truths, caughtUp }: ChangesSeen, expected: Expected): string[] {
  const last = new Map(polls.flatMap(({ accounts }) => accounts).map((account) => [account.id, account]))
  const missed = [...truths].filter(([id, truth]) => {
    const record = last.get(id)
    return record === undefined || !says(record, [truth])
  })
  const losses = polls.flatMap(({ outcome, problems, letters }) => [...(outcome === 'done' ? [] : [outcome]), ...problems, ...letters.map(({ reason }) => reason)])
  const wrong: string[] = []
  const unnamed = missed.length > 0 && losses.length === 0
  if (unnamed || (missed.length > 0 && expected !== 'safe' && !caughtUp)) wrong.push(`changes of ${missed.map(([id]) => id).join(', ')} were missed, and ${losses.length === 0 ? 'no loss is told' : losses.join('; ')}`)
  if (expected === 'exact' && losses.length > 0) wrong.push(`a loss was told, and everything could be read: ${losses.join('; ')}`)
  if (expected === 'partial' && losses.length === 0) wrong.push('something was lost, and nobody is told')
  return wrong
}
