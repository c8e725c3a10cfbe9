import { Fault } from '../hostile/fault.ts'
import type { FaultProxy, Fault as ProxyFault } from '../hostile/fault-proxy.ts'
import { World } from '../hostile/world.ts'
import type { BenchOptions } from './bench.ts'
import { Kit, type Result, type Subject } from './kit.ts'
import type { Expected } from './scenario.ts'

/** A system of another maker behind a proxy, and the connector configured for it at the proxy. */
interface RealSystem {
  name: string
  app: Subject['app']
  proxy: FaultProxy
  /** what it holds is as it was at the beginning; absent: it is left as it is */
  reset?: () => Promise<void>
}

export interface RealCase {
  name: string
  expected: Expected
  /** for the connections of the run, one each, the last one for all that follow */
  plan?: readonly ProxyFault[]
  /** done to the system before it is read */
  harm?: () => Promise<unknown>
  /** what it holds is another then, or becomes so while it is read */
  differs?: boolean
  /** so is every later run: it names the same loss again */
  lasting?: boolean
}

export interface RealKit {
  kit: Kit
  run: (one: RealCase) => Promise<Result>
}

/** The kit over a system that is harmed from outside. */
export async function openReal({ name, app, proxy, reset }: RealSystem, options: BenchOptions): Promise<RealKit> {
  let current: RealCase | null = null
  let struckBefore = 0
  let armed: readonly Fault[] = []
  let isTouched = true
  const subject: Subject = {
    name, app, traits: new Set(),
    async arm(make) {
      proxy.plan({ kind: 'none' })
      // What is made again has other times of its making: what has to be equal comes before what differs.
      if (isTouched) await reset?.()
      isTouched = current?.harm !== undefined || current?.differs === true
      armed = make(World.corpus(0))
      if (current?.harm !== undefined) {
        await current.harm()
        for (const fault of armed) fault.fired += 1
      }
      struckBefore = proxy.struck
      if (current?.plan !== undefined) proxy.plan(...current.plan)
      return armed
    },
    heal() {
      for (const fault of armed) fault.fired += proxy.struck - struckBefore
      proxy.plan({ kind: 'none' })
    },
    stop: () => proxy.stop(),
  }
  const kit = await Kit.open(subject, options)
  return {
    kit,
    run: (one) => {
      current = one
      return kit.run({ name: one.name, expected: one.expected, needs: one.differs === true ? ['world'] : [], ...(one.lasting === true && { lasting: true }), faults: () => [new Fault(one.name, { times: 0 }, () => null)] })
    },
  }
}

/** Ways in which a connection breaks, at places in what the server sends, in bytes. */
export const breaks = (places: readonly number[], pieceBytes = 700): RealCase[] => [
  ...places.flatMap((afterBytes): RealCase[] => [
    { name: `reset after ${afterBytes} bytes`, expected: 'partial', plan: [{ kind: 'reset', afterBytes }] },
    { name: `cut after ${afterBytes} bytes`, expected: 'partial', plan: [{ kind: 'truncate', afterBytes }] },
  ]),
  { name: 'no connection', expected: 'partial', plan: [{ kind: 'reset', afterBytes: 0 }] },
  { name: 'late, in small pieces', expected: 'exact', plan: [{ kind: 'delay', ms: 1, pieceBytes }] },
]

/** LDAP: the cookie of the next page is another one. It is the last eight bytes of the request (RFC 2696; slapd's cookies are so long). */
export const anotherCookie: RealCase = {
  name: 'the cookie of a page is another one', expected: 'partial',
  plan: [{
    kind: 'alter',
    change(sent) {
      if (!sent.includes('1.2.840.113556.1.4.319') || sent.at(-10) !== 4 || sent.at(-9) !== 8) return null
      const changed = Buffer.from(sent)
      changed[changed.length - 8]! ^= 0xff
      return changed
    },
  }],
}
