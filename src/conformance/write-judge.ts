import type { WriteResult, WriteVerdict } from '../../schemas/wire/actions.ts'
import type { Operation } from '../../schemas/wire/operations.ts'
import type { Written } from '../../schemas/wire/raw.ts'
import { shows } from '../connect/writes/effect.ts'
import type { World } from '../hostile/world.ts'
import { effectsOf, holds, type Order } from './write-order.ts'

/** What one command came to, and the application's own tables behind it. */
interface WrittenOrder {
  order: Order
  /** an operation of the order in the words of the connector */
  native: (operation: Operation) => Operation
  results: readonly WriteResult[]
  marks: readonly Written[]
  /** the tables as they would be had only others changed them */
  untouched: World
  after: World
  /** calls that were still on their way when the result was told */
  unanswered: number
}

/**
 * What is not true of a write's verdict, in sentences; none where everything is. Pure. The application's tables and its own note of what
 * requests really changed are the truth.
 */
export function judgeWrite(written: WrittenOrder, expected: readonly WriteVerdict[]): string[] {
  const { results, unanswered } = written
  const last = results.at(-1)
  if (last === undefined) return ['no result was told']
  const wrong = [...sequence(results), ...truth(last, written), ...effects(written), ...bystanders(written), ...readBack(written)]
  if (!expected.includes(last.verdict)) wrong.push(`the verdict is ${last.verdict} (${last.reason ?? 'without a reason'}), not ${expected.join(' or ')}`)
  if (unanswered > 0) wrong.push(`${unanswered} calls were still on their way when the result was told`)
  return wrong
}

/** One result, or one that waits and then one that does not. */
function sequence(results: readonly WriteResult[]): string[] {
  const verdicts = results.map(({ verdict }) => verdict)
  const [last, ...waits] = [...verdicts].reverse()
  if (last === 'pending-visibility') return ['it stayed pending for ever']
  return waits.length > 1 || waits.some((verdict) => verdict !== 'pending-visibility') ? [`the results are ${verdicts.join(', ')}`] : []
}

const isReasoned = ({ reason, steps }: WriteResult): boolean => (reason ?? '') !== '' || steps.some((step) => (step.reason ?? '') !== '')

function truth(result: WriteResult, { order, after }: WrittenOrder): string[] {
  const held = order.operations.filter((operation) => holds(after, operation))
  const shown = order.operations.every((operation) => holds(after.shown, operation))
  const changed = after.effects.length > 0
  const { verdict } = result
  const told = `it is told as ${verdict}`
  switch (verdict) {
    case 'applied':
      if (held.length < order.operations.length) return [`${told}, and it is not so`]
      return changed || isReasoned(result) ? [] : [`${told}, nothing was changed by it, and it names no doubt`]
    case 'already':
      if (held.length < order.operations.length) return [`${told}, and it is not so`]
      return changed ? [`${told}, and it changed ${after.effects.join(', ')}`] : []
    case 'refused':
      if (changed) return [`${told}, and it changed ${after.effects.join(', ')}`]
      return isReasoned(result) ? [] : [`${told} without a reason`]
    case 'partial':
      if (!changed) return [`${told}, and nothing was changed`]
      return isReasoned(result) ? [] : [`${told} without a reason`]
    case 'lost-update':
      return shown ? [`${told}, and the application shows it`] : []
    case 'failed':
      return isReasoned(result) ? [] : [`${told} without a reason`]
    default:
      return [told]
  }
}

function effects({ order, after }: WrittenOrder): string[] {
  const allowed = order.operations.flatMap(effectsOf)
  const counts = new Map<string, number>()
  for (const effect of after.effects) counts.set(effect, (counts.get(effect) ?? 0) + 1)
  return [...counts].flatMap(([effect, count]) => {
    if (!allowed.includes(effect)) return [`it changed what nobody asked for: ${effect}`]
    return count > 1 ? [`${effect} took effect ${count} times`] : []
  })
}

/** Whatever the order does not concern is as it would be without it. */
function bystanders({ order, untouched, after }: WrittenOrder): string[] {
  const rest = ({ users, groups }: World): string => {
    const others = [...users.values()].filter(({ id }) => id !== order.account)
    const lists = [...groups.values()].map((group) => ({ ...group, members: group.members.filter((id) => id !== order.account) }))
    return JSON.stringify([others, lists])
  }
  const wrong = rest(untouched) === rest(after) ? [] : ['something that it does not concern was changed']
  const fields = ({ users }: World): string | null => {
    const user = users.get(order.account)
    return user === undefined ? null : JSON.stringify({ ...user, active: null })
  }
  const [wanted, left] = [fields(untouched), fields(after)]
  if (wanted !== null && left !== null && wanted !== left) wrong.push('what somebody else changed of the account is undone')
  return wrong
}

/** What was published as read back is what the application shows. */
function readBack({ order, native, marks, after }: WrittenOrder): string[] {
  const seen = marks.findLast((mark) => mark.seen !== null)?.seen ?? null
  if (seen === null) return []
  return order.operations.filter((operation) => ![null, holds(after.shown, operation)].includes(shows(native(operation), seen))).map(({ name }) => `${name} was published as read back, and it is not as published`)
}
