import { ConfigError } from '../config/load.ts'
import { type Fault, startFaultProxy } from '../hostile/fault-proxy.ts'

export const proxyFaults = ['none', 'reset', 'cut', 'half-open', 'delay'] as const

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
  const chosen = faultOf(fault, after, ms)
  if (connections === undefined) proxy.plan(chosen)
  else proxy.plan(...Array.from({ length: connections }, () => chosen), { kind: 'none' })
  console.log(`127.0.0.1:${proxy.port} is ${target}; ${connections === undefined ? 'each connection' : `each of the first ${connections} connections`}: ${says(chosen)}`)
  await new Promise<void>((done) => process.once('SIGINT', () => done()))
  console.log(`struck ${proxy.struck} connections; the longest got ${proxy.longestBytes} bytes of the server`)
  await proxy.stop()
}

function faultOf(fault: ProxyOptions['fault'], afterBytes: number, ms: number): Fault {
  switch (fault) {
    case 'none':
      return { kind: 'none' }
    case 'reset':
      return { kind: 'reset', afterBytes }
    case 'cut':
      return { kind: 'truncate', afterBytes }
    case 'half-open':
      return { kind: 'hang', afterBytes }
    case 'delay':
      return { kind: 'delay', ms, pieceBytes: 700 }
  }
}

function says(fault: Fault): string {
  switch (fault.kind) {
    case 'reset':
      return `reset after ${fault.afterBytes} bytes of the server`
    case 'truncate':
      return `ended in order after ${fault.afterBytes} bytes of the server`
    case 'hang':
      return `silent after ${fault.afterBytes} bytes of the server, and no end`
    case 'delay':
      return `what the server sends comes in pieces of ${fault.pieceBytes} bytes, each ${fault.ms} ms late`
    case 'none':
    case 'meanwhile':
    case 'alter':
      return 'passed on as it is'
  }
}
