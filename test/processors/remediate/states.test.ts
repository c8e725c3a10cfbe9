import { describe, expect, it } from 'vitest'
import { ActionState } from '../../../schemas/wire/actions.ts'
import { after, isOver, transitions, type ActionEvent } from '../../../processors/remediate/states.ts'

const states = ActionState.options
const events = [...new Set(states.flatMap((state) => Object.keys(transitions[state])))] as ActionEvent[]

/** Every state that can follow, however long it takes. */
function reachable(from: ActionState): Set<ActionState> {
  const found = new Set([from])
  for (const state of found) for (const next of Object.values(transitions[state])) found.add(next)
  return found
}

describe('the table of actions', () => {
  it('has every state, reaches each from the first, and has no dead end', () => {
    expect(Object.keys(transitions).sort()).toEqual([...states].sort())
    expect([...reachable('proposed')].sort()).toEqual([...states].sort())
    for (const state of states) expect(reachable(state), state).toContain('proposed')
  })

  it('sends nothing that was not approved, and approves nothing that nobody decided', () => {
    const into = (target: ActionState): string[] => states.flatMap((state) => events.filter((event) => after(state, event) === target).map((event) => `${state} ${event}`))
    expect(into('dispatched')).toEqual(['approved dispatch'])
    expect(into('approved').every((way) => / (approve|release|retry)$/.test(way))).toBe(true)
    expect(into('verified').sort()).toEqual(['applied verify', 'failed verify'])
    expect(into('applied').sort()).toEqual(['applied succeed', 'dispatched succeed'])
  })

  it('lets a closed finding end every action that is not on its way', () => {
    for (const state of states) {
      if (isOver(state) || state === 'dispatched') expect(after(state, 'close'), state).toBeNull()
      else expect(after(state, 'close'), state).toBe('withdrawn')
    }
  })

  it('moves what is on its way by its result only', () => {
    expect(Object.keys(transitions.dispatched).sort()).toEqual(['fail', 'succeed'])
  })
})
