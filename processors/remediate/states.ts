import type { ActionState } from '../../schemas/wire/actions.ts'

/**
 * What can happen to an action. `propose`: its finding is open, anew or with other operations. `close`: the finding closed for
 * reasons of its own; `verify`: an observation made after our write closed it. `fail`: the write did not come about. `retry`: it is
 * its turn again. `contest`: it was undone too often.
 */
export type ActionEvent =
  | 'propose' | 'approve' | 'reject' | 'dispatch' | 'hold' | 'release' | 'succeed' | 'fail' | 'retry' | 'contest' | 'verify' | 'close'

/** Every transition there is; what is not here does not happen. While a command is on its way, only its result moves the action. */
export const transitions: Readonly<Record<ActionState, Readonly<Partial<Record<ActionEvent, ActionState>>>>> = {
  proposed: { propose: 'proposed', approve: 'approved', reject: 'rejected', contest: 'contested', close: 'withdrawn' },
  approved: { propose: 'proposed', dispatch: 'dispatched', hold: 'held', reject: 'rejected', close: 'withdrawn' },
  held: { propose: 'proposed', release: 'approved', reject: 'rejected', close: 'withdrawn' },
  dispatched: { succeed: 'applied', fail: 'failed' },
  applied: { propose: 'proposed', succeed: 'applied', fail: 'failed', retry: 'approved', contest: 'contested', verify: 'verified', close: 'withdrawn' },
  failed: {
    propose: 'proposed', approve: 'approved', reject: 'rejected', retry: 'approved', contest: 'contested', verify: 'verified', close: 'withdrawn',
  },
  contested: { approve: 'approved', reject: 'rejected', close: 'withdrawn' },
  rejected: { approve: 'approved', close: 'withdrawn' },
  verified: { propose: 'proposed' },
  withdrawn: { propose: 'proposed' },
}

/** The state after the event, or null where it can't happen. */
export const after = (state: ActionState, event: ActionEvent): ActionState | null => transitions[state][event] ?? null

/** Nothing is to be done any more, unless the finding opens again. */
export const isOver = (state: ActionState): boolean => state === 'verified' || state === 'withdrawn'
