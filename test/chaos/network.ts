import { describe, expect, it } from 'vitest'
import type { Fault } from '../support/fault-proxy.ts'
import { sceneMs, type Lab } from './lab.ts'

const reset = (afterBytes: number): Fault => ({ kind: 'reset', afterBytes })
const hang = (afterBytes: number): Fault => ({ kind: 'hang', afterBytes })
const delay: Fault = { kind: 'delay', ms: 30, pieceBytes: 4_096 }

export function network(lab: () => Lab): void {
  describe('connections that are cut, delayed and half open', () => {
    it('to the registry: a process does not start without one and says so; one that has started goes on', { timeout: sceneMs }, async () => {
      const { registry } = lab().services.proxies
      const told = await lab().scene(async (of) => {
        const via = { registry: lab().proxied.registry }
        for (const fault of [reset(0), hang(0)]) {
          const before = registry.struck
          registry.plan(fault)
          const one = of.start(0, { via })
          expect(await one.ends()).toMatchObject({ code: 3 })
          await one.kill()
          expect(one.said).toMatch(/the schema registry http\S+ failed: .*Is it up/)
          expect(registry.struck).toBeGreaterThan(before)
        }
        registry.plan(delay)
        const worker = of.start(0, { via, drain: true })
        await worker.says(/started/)
        registry.plan(reset(0))
        registry.cut()
        await worker.ends()
        await worker.stop()
      })
      expect(told).toEqual([])
    })
  })
}
