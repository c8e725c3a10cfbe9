import { createServer, connect, type Socket } from 'node:net'

/** What happens to one connection, in bytes that the server sends, counted from its first. */
export type Fault =
  | { kind: 'none' }
  /** the connection is reset after so many bytes */
  | { kind: 'reset'; afterBytes: number }
  /** the server's side ends in order after so many bytes: what follows never comes */
  | { kind: 'truncate'; afterBytes: number }
  /** nothing more comes after so many bytes, and no end */
  | { kind: 'hang'; afterBytes: number }
  /** something happens before what follows so many bytes is passed on */
  | { kind: 'meanwhile'; afterBytes: number; act: () => Promise<unknown> }
  /** what the client sends is changed; null: this piece is not */
  | { kind: 'alter'; change: (sent: Buffer) => Buffer | null }
  /** each piece comes later, and in pieces of this size */
  | { kind: 'delay'; ms: number; pieceBytes: number }

/**
 * What happens once, to the first connection on which the client sends what matches (bytes as Latin-1 text). `unsent`: cut before the
 * server has it. `unheard`: the server carries it out, and its answer is cut off. `half-open`: as that, but the connection stands there in
 * silence. `late`: the answer comes so much later. `overdue`: as `unsent`, but so much later the server has it all the same, and only then it counts as struck.
 */
export interface Strike {
  of: RegExp
  then: 'unsent' | 'unheard' | 'half-open' | 'late' | 'overdue'
  lateMs?: number
}

export interface FaultProxy {
  readonly port: number
  /** for the connections that are made from now on, one each; the last one for all that follow */
  plan(...faults: Fault[]): void
  strike(strike: Strike): void
  /** Resets all connections that there are; answers how many. */
  cut(): number
  /** how many connections a fault really struck */
  readonly struck: number
  /** how many bytes the server sent on the connection on which it sent most */
  readonly longestBytes: number
  stop(): Promise<void>
}

/** A TCP proxy on loopback before a real server, that breaks what the server answers. `port`: its own; 0: any. */
export async function startFaultProxy(targetPort: number, targetHost = '127.0.0.1', port = 0): Promise<FaultProxy> {
  let faults: Fault[] = [{ kind: 'none' }]
  let struck = 0
  let longestBytes = 0
  let strike: Strike | null = null
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    const fault = (faults.length > 1 ? faults.shift() : faults[0]) ?? { kind: 'none' }
    const upstream = connect(targetPort, targetHost)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => sockets.delete(socket))
    }
    clients.add(client)
    client.once('close', () => {
      clients.delete(client)
      if (struckHere?.then !== 'overdue') upstream.destroy()
    })
    client.once('end', () => upstream.end())
    let sent = 0
    upstream.on('data', (chunk: Buffer) => (longestBytes = Math.max(longestBytes, (sent += chunk.length))))
    let struckHere: Strike | null = null
    client.on('data', (chunk: Buffer) => {
      if (strike?.of.test(chunk.toString('latin1')) === true) {
        struckHere = strike
        strike = null
        if (struckHere.then !== 'overdue') struck++
      }
      const altered = fault.kind === 'alter' ? fault.change(chunk) : null
      if (altered !== null) struck++
      if (struckHere?.then === 'unsent') client.resetAndDestroy()
      else if (struckHere?.then === 'overdue') {
        client.resetAndDestroy()
        setTimeout(() => upstream.write(chunk, () => struck++), struckHere.lateMs ?? 0)
      } else upstream.write(altered ?? chunk)
    })
    pass(upstream, client, fault, () => struck++, () => struckHere)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return {
    port: address.port,
    plan: (...next) => {
      faults = next
    },
    strike: (next) => {
      strike = next
    },
    cut: () => {
      const there = clients.size
      for (const client of clients) client.resetAndDestroy()
      return there
    },
    get struck() {
      return struck
    },
    get longestBytes() {
      return longestBytes
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function pass(from: Socket, to: Socket, fault: Fault, strike: () => void, struck: () => Strike | null): void {
  if (fault.kind === 'delay') return slowly(from, to, fault, strike)
  if (fault.kind === 'meanwhile') return after(from, to, fault, strike)
  from.once('close', () => (fault.kind === 'hang' ? undefined : to.end()))
  let sent = 0
  from.on('data', (chunk: Buffer) => {
    const here = struck()
    if (here?.then === 'half-open') return
    if (here?.then === 'unheard') return void to.resetAndDestroy()
    if (here?.then === 'late') return void setTimeout(() => to.write(chunk), here.lateMs ?? 0)
    const left = 'afterBytes' in fault ? fault.afterBytes - sent : Infinity
    sent += chunk.length
    if (chunk.length < left) {
      to.write(chunk)
      return
    }
    if (fault.kind === 'hang') {
      if (left >= 0) strike()
      if (left > 0) to.write(chunk.subarray(0, left))
      return
    }
    strike()
    from.destroy()
    to.write(chunk.subarray(0, left), () => (fault.kind === 'reset' ? to.resetAndDestroy() : to.end()))
  })
}

function after(from: Socket, to: Socket, { afterBytes, act }: Extract<Fault, { kind: 'meanwhile' }>, strike: () => void): void {
  let sent = 0
  let waiting: Promise<unknown> | null = null
  from.once('close', () => void (waiting ?? Promise.resolve()).finally(() => to.end()))
  from.on('data', (chunk: Buffer) => {
    sent += chunk.length
    if (waiting === null && sent >= afterBytes) {
      strike()
      waiting = act()
    }
    if (waiting === null) to.write(chunk)
    else void waiting.then(() => to.write(chunk))
  })
}

function slowly(from: Socket, to: Socket, { ms, pieceBytes }: Extract<Fault, { kind: 'delay' }>, strike: () => void): void {
  let waiting: Promise<void> = Promise.resolve()
  from.once('data', strike)
  from.once('close', () => void waiting.then(() => to.end()))
  from.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes)
      waiting = waiting.then(() => new Promise((resolve) => setTimeout(() => to.write(piece, () => resolve()), ms)))
    }
  })
}
