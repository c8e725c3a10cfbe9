import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ActionChange, ActionRecord, WriteVerdict } from '../../../schemas/wire/actions.ts'
import type { Command } from '../../../schemas/wire/results.ts'
import { after, type ActionEvent } from '../../../processors/remediate/states.ts'
import { remediate } from '../../../processors/remediate/remediate.ts'
import { ProcessorDriver, type DriverOptions, type Output } from '../../support/processor-driver.ts'
import { SECOND, T0, census, changes, commands, decision, findings, give, gone, proposal, result, revoke, setting, tick } from './given.ts'

/** What may happen, as a test may say it: findings by number, so that histories meet. */
type Move =
  | { move: 'open'; finding: number; kind: 'leaver-access' | 'expired-grant' | 'unauthorised-grant' | 'missing-grant'; plan: number }
  | { move: 'close'; finding: number; after: boolean }
  | { move: 'decide'; finding: number; what: 'approve' | 'reject' }
  | { move: 'release' }
  | { move: 'answer'; which: number; verdict: WriteVerdict }
  | { move: 'wait'; seconds: number }
  | { move: 'policy'; auto: boolean; active: boolean }

const finding = fc.integer({ min: 0, max: 3 })
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ move: fc.constant('open'), finding, kind: fc.constantFrom('leaver-access', 'expired-grant', 'unauthorised-grant', 'missing-grant'), plan: fc.integer({ min: 0, max: 2 }) } as const),
  fc.record({ move: fc.constant('close'), finding, after: fc.boolean() } as const),
  fc.record({ move: fc.constant('decide'), finding, what: fc.constantFrom('approve', 'reject') } as const),
  fc.record({ move: fc.constant('release') } as const),
  fc.record({ move: fc.constant('answer'), which: fc.nat({ max: 3 }), verdict: fc.constantFrom('applied', 'applied', 'applied', 'already', 'partial', 'refused', 'lost-update', 'pending-visibility', 'superseded', 'failed') } as const),
  fc.record({ move: fc.constant('wait'), seconds: fc.constantFrom(1, 10, 60, 4_000, 90_000) } as const),
  fc.record({ move: fc.constant('policy'), auto: fc.boolean(), active: fc.boolean() } as const),
)
const moves = fc.array(move, { minLength: 5, maxLength: 60 })

const limits = { brake: { maxRemovals: 2, windowSeconds: 3_600 }, maxInFlight: 2, maxReversals: 1, maxTries: 2, settleSeconds: 5 }

/** Plays a history to several drivers, which must say the same, and answers what was said, in order. */
function play(history: readonly Move[], kinds = 4): { outputs: Output[]; steps: { outputs: Output[]; now: number }[]; open: Map<string, string> } {
  let seed = 7
  const uneven = (): number => 1 + ((seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % 3)
  const drivers = [{}, { reload: true }, { budget: uneven }, { budget: () => 1, reload: true }].slice(0, kinds).map((options: DriverOptions) => new ProcessorDriver(remediate, options))
  const plain = drivers[0]!
  let now = T0
  const open = new Map<string, string>()
  const steps: { outputs: Output[]; now: number }[] = []
  const push = (...records: ActionRecord[]): void => {
    const outputs = plain.push(...records)
    for (const other of drivers.slice(1)) {
      expect(other.push(...records)).toEqual(outputs)
      expect(other.dump()).toBe(plain.dump())
    }
    steps.push({ outputs, now })
  }
  push(tick(now), setting(limits), census(100))
  for (const one of history) {
    if (one.move === 'open') {
      const id = `f${one.finding}`
      const version = `${id}-${one.plan}-${one.kind}`
      open.set(id, version)
      const operations = one.kind === 'missing-grant' ? [give(id, `R${one.plan}`)] : Array.from({ length: one.plan + 1 }, (_, i) => revoke(id, `R${i}`))
      push(proposal(id, { version, kind: one.kind, operations, observed: now }))
    } else if (one.move === 'close') {
      open.delete(`f${one.finding}`)
      push(gone(`f${one.finding}`, one.after ? now : T0 - DAY_AGO))
    } else if (one.move === 'decide') {
      push(decision(`f${one.finding}`, one.what, { version: open.get(`f${one.finding}`) ?? 'none' }))
    } else if (one.move === 'release') push(decision(null, 'release'))
    else if (one.move === 'answer') {
      const sent = commands(plain.outputs)
      if (sent.length > 0) push(result(sent[sent.length - 1 - (one.which % sent.length)]!, one.verdict, now))
    } else if (one.move === 'wait') {
      now += one.seconds * SECOND
      push(tick(now), tick((now += SECOND)))
    } else push(setting({ ...limits, active: one.active, policy: { otherwise: one.auto ? 'auto' : 'approve' } }))
  }
  return { outputs: [...plain.outputs], steps, open }
}
const DAY_AGO = 86_400_000

/** Which events lead from one state to another; several in one record count too. */
function canFollow(from: ActionChange['state'], to: ActionChange['state']): boolean {
  const all: ActionEvent[] = ['propose', 'approve', 'reject', 'dispatch', 'hold', 'release', 'succeed', 'fail', 'retry', 'contest', 'verify', 'close']
  const one = all.flatMap((event) => after(from, event) ?? [])
  return from === to || one.includes(to) || one.some((between) => all.some((event) => after(between, event) === to))
}

describe('whatever happens', () => {
  it('changes neither outputs nor state by reloads and slices, every change is one of the table, and what is open is not over', () => {
    fc.assert(
      fc.property(moves, (history) => {
        const states = new Map<string, ActionChange['state']>()
        const { outputs, open } = play(history)
        for (const change of changes(outputs)) {
          const before = states.get(change.id)
          if (before !== undefined) expect(canFollow(before, change.state), `${before} to ${change.state}`).toBe(true)
          states.set(change.id, change.state)
        }
        for (const id of open.keys()) expect(['withdrawn', 'verified'], `${id}, whose finding is open`).not.toContain(states.get(id))
      }),
      { numRuns: 40 },
    )
  })

  it('a command is of operations that were approved, by policy only where it is auto, about a finding that is open at that version, once for each id, and no more at once than allowed', () => {
    fc.assert(
      fc.property(moves, (history) => {
        const seen = new Set<string>()
        const latest = new Map<string, ActionChange>()
        for (const { outputs } of play(history).steps) {
          for (const { record } of outputs) {
            if (record.type === 'ActionChange') latest.set(record.id, record)
            if (record.type !== 'Command') continue
            const { write, id } = record as Command & { write: NonNullable<Command['write']> }
            expect(seen.has(id), id).toBe(false)
            seen.add(id)
            const action = latest.get(write.finding)!
            expect(action).toMatchObject({ state: 'dispatched', version: write.version, commandId: id, operations: write.operations, attempt: write.attempt })
            expect(action.by, 'somebody approved it').not.toBeNull()
            if (action.by === 'policy') expect(action.mode).toBe('auto')
          }
          expect([...latest.values()].filter(({ state }) => state === 'dispatched').length).toBeLessThanOrEqual(limits.maxInFlight)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('the brake’s finding is open exactly while something is held, and removals that nobody released stay within it', () => {
    fc.assert(
      fc.property(moves, (history) => {
        let isOpen = false
        const latest = new Map<string, ActionChange>()
        const sent: number[] = []
        const released = new Set<string>()
        for (const { outputs, now } of play(history).steps) {
          for (const { record } of outputs) {
            if (record.type === 'ActionChange') {
              if (latest.get(record.id)?.state === 'held' && record.state === 'approved') released.add(record.id)
              else if (record.state === 'approved' && latest.get(record.id)?.state !== 'failed' && latest.get(record.id)?.state !== 'applied') released.delete(record.id)
              latest.set(record.id, record)
            }
            if (record.type === 'Command' && !released.has(record.write!.finding) && record.write!.operations.some(({ name }) => name === 'revoke')) sent.push(now)
          }
          for (const { change } of findings(outputs)) isOpen = change !== 'closed'
          expect(isOpen).toBe([...latest.values()].some(({ state }) => state === 'held'))
          expect(sent.filter((at) => at > now - 3_600 * SECOND).length).toBeLessThanOrEqual(limits.brake.maxRemovals)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('such histories come through every state', () => {
    const seen = new Set<string>()
    for (const history of fc.sample(moves, { numRuns: 600, seed: 1 })) for (const { state } of changes(play(history, 1).outputs)) seen.add(state)
    expect([...seen].sort()).toEqual(['applied', 'approved', 'contested', 'dispatched', 'failed', 'held', 'proposed', 'rejected', 'verified', 'withdrawn'])
  })
})
