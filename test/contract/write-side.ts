import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OperationName, type Operation } from '../../schemas/wire/operations.ts'
import { callUntil } from '../../src/connect/writes/deadline.ts'
import { ConnectError, type ConnectorSession, type ConnectorType, type Platform, type WriteSide } from '../../src/ports/connector.ts'

export interface WriteCase {
  operation: Operation
  /** whether it is so, asked of the application by another way than the connector's */
  holds: () => Promise<boolean>
}

export interface WriteFixture {
  with: unknown
  platform: Platform
  /** in this order; none holds before its turn */
  cases: readonly WriteCase[]
  /** operations that the application or the connector has to refuse */
  refused: readonly Operation[]
  /** what no case may touch, as the application tells it */
  bystanders: () => Promise<unknown>
  dispose: () => Promise<void>
}

/** An operation with what it does not need left empty. */
export const operation = (name: Operation['name'], account: string, more: Partial<Operation> = {}): Operation => ({
  name, account, ref: null, credential: null, attributes: {}, ...more,
})

const refusals = new Set(['permission', 'conflict', 'schema', 'not-found', 'configuration'])

/** What src/connect relies on when it writes, checked against a live application that every connector's test brings along. */
export function writeContract<C>(type: ConnectorType<C>, create: () => Promise<WriteFixture>): void {
  describe(`writing, connector ${type.kind}`, () => {
    let fixture: WriteFixture
    let session: ConnectorSession
    let write: WriteSide

    beforeAll(async () => {
      fixture = await create()
      session = await type.open(type.config.parse(fixture.with), fixture.platform)
      if (session.write === undefined) throw new Error('the session offers no write side')
      write = session.write
    }, 600_000)
    afterAll(async () => {
      await session.close()
      await fixture.dispose()
    })

    const never = new AbortController().signal
    const carryOut = async (asked: Operation): Promise<('applied' | 'already')[]> => {
      const outcomes: ('applied' | 'already')[] = []
      for (const step of write.steps(asked)) outcomes.push(await callUntil(never, () => write.ensure(asked, step, `key of ${step}`)))
      return outcomes
    }

    it('offers operations that exist, each once, and every one of them is tried here', () => {
      expect(new Set(write.operations).size).toBe(write.operations.length)
      for (const name of write.operations) expect(OperationName.options).toContain(name)
      expect(new Set(fixture.cases.map(({ operation: { name } }) => name))).toEqual(new Set(write.operations))
    })

    it('names the steps of each operation purely, at least one, each once', () => {
      for (const { operation: asked } of fixture.cases) {
        const steps = write.steps(asked)
        expect(steps.length).toBeGreaterThan(0)
        expect(new Set(steps).size).toBe(steps.length)
        expect(write.steps(asked)).toEqual(steps)
      }
    })

    it('makes nothing so once its deadline has passed', async () => {
      const first = fixture.cases[0]
      if (first === undefined) throw new Error('the fixture has no case')
      const [step = ''] = write.steps(first.operation)
      await expect(callUntil(AbortSignal.abort(), () => write.ensure(first.operation, step, 'key'))).rejects.toMatchObject({ name: 'ConnectError', class: 'transient' })
      expect(await first.holds()).toBe(false)
    })

    it('makes each so, and again without harm, and touches nothing else', async () => {
      const before = await fixture.bystanders()
      for (const { operation: asked, holds } of fixture.cases) {
        const what = `${asked.name} ${asked.account} ${asked.ref?.id ?? ''}`
        expect([what, await holds()]).toEqual([what, false])
        const first = await carryOut(asked)
        expect([what, first.includes('applied')]).toEqual([what, true])
        expect([what, await holds()]).toEqual([what, true])
        const again = await carryOut(asked)
        expect([what, again]).toEqual([what, again.map(() => 'already')])
        expect([what, await holds()]).toEqual([what, true])
      }
      expect(await fixture.bystanders()).toEqual(before)
    })

    it('tells a refusal as one, and changes nothing', async () => {
      const before = await fixture.bystanders()
      for (const asked of fixture.refused) {
        const error = await carryOut(asked).then((outcomes) => outcomes.join(), (thrown: unknown) => thrown)
        const what = `${asked.name} ${asked.account} ${asked.ref?.id ?? ''}`
        if (!(error instanceof ConnectError)) throw new Error(`${what} was not refused: ${String(error)}`)
        expect([what, refusals.has(error.class), error.class]).toEqual([what, true, error.class])
      }
      expect(await fixture.bystanders()).toEqual(before)
    })
  })
}
