import { ConfigError } from '../config/config-error.ts'
import { type Fault, startFaultProxy } from '../hostile/fault-proxy.ts'
import type { proxyFaults } from '../hostile/names.ts'

/** of a delayed connection */
const pieceBytes = 700

export interface ProxyOptions {
  fault: (typeof proxyFaults)[number]
  after: number
  ms: number
  /** how many connections it is done to, the first ones; absent: all */
  connections?: number
  port: number
}

/** Stands before a real server, whatever it speaks, and breaks its connections as told, until Ctrl-C. */
export async function runHostileProxy(target: string, { fault, after, ms, connections, port }: ProxyOptions): Promise<void> {
  const [, bracketed, plain, targetPort] = /^(?:\[([^\]]+)\]|([^:[\]/]+)):(\d{1,5})$/.exec(target) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw new ConfigError(`${target}: expected host and port, such as 127.0.0.1:5432`)
  const proxy = await startFaultProxy(Number(targetPort), host, port)
  const { chosen, says } = faultOf(fault, after, ms)
  if (connections === undefined) proxy.plan(chosen)
  else proxy.plan(...Array.from({ length: connections }, () => chosen), { kind: 'none' })
  console.log(`127.0.0.1:${proxy.port} is ${target}; ${connections === undefined ? 'each connection' : `each of the first ${connections} connections`}: ${says}`)
  await new Promise<void>((done) => process.once('SIGINT', () => done()))
  console.log(`struck ${proxy.struck} connections; the longest got ${proxy.longestBytes} bytes of the server`)
  await proxy.stop()
}

/** What is done to a connection, and how it is told. */
function faultOf(fault: ProxyOptions['fault'], afterBytes: number, ms: number): { chosen: Fault; says: string } {
  switch (fault) {
    case 'none':
      return { chosen: { kind: 'none' }, says: 'passed on as it is' }
    case 'reset':
      return { chosen: { kind: 'reset', afterBytes }, says: `reset after ${afterBytes} bytes of the server` }
    case 'cut':
      return { chosen: { kind: 'truncate', afterBytes }, says: `ended in order after ${afterBytes} bytes of the server` }
    case 'half-open':
      return { chosen: { kind: 'hang', afterBytes }, says: `silent after ${afterBytes} bytes of the server, and no end` }
    case 'delay':
      return { chosen: { kind: 'delay', ms, pieceBytes }, says: `what the server sends comes in pieces of ${pieceBytes} bytes, each ${ms} ms late` }
  }
}
