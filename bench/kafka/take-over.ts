import { setTimeout as sleep } from 'node:timers/promises'
import { accountKey, identityHome } from '../../src/core/keys.ts'
import { partitionOf } from '../../src/core/partition.ts'
import type { Outgoing, Publisher } from '../../src/runtime/publisher.ts'
import { app } from '../workload.ts'
import { drained, positions, until, type Worker } from './group.ts'
import { fillMs, partitions, sizeOf, startGroup, type Installation } from './installation.ts'

export type Tell = (what: string, value: number, unit: string, note?: string) => void

interface TakeOver {
  accounts: number
  sessionSeconds: number
  tell: Tell
}

const probeMs = 100

/** One of two processes that begin without copies of states is killed, once where the other one keeps standby copies and once where not. */
export async function takeOvers(of: Installation, brokers: string[], options: TakeOver): Promise<void> {
  for (const standby of [false, true]) {
    const began = performance.now()
    const [one, other] = await startGroup(of, brokers, 2, options.sessionSeconds * 1_000, standby)
    if (one === undefined || other === undefined) throw new Error('two processes are needed')
    await until(() => sizeOf(one) > 0 && sizeOf(other) > 0, 'both have partitions')
    // whoever came first may have had what the other one has now, and copies of it
    const [victim, heir] = one.tasks.some((task) => other.had(task)) ? [other, one] : [one, other]
    const { tasks } = victim
    if (!standby && tasks.some((task) => heir.had(task))) throw new Error('each process had what the other one has: there is nobody without copies')
    if (standby) {
      const current = (): number => tasks.filter((task) => heir.said.some(({ followed }) => followed === task)).length
      await until(() => current() === tasks.length, 'the standby copies are current', fillMs)
      const rows = tasks.reduce((sum, task) => sum + (heir.said.find(({ followed }) => followed === task)?.rows ?? 0), 0)
      options.tell('standby copies: current', (performance.now() - began) / 1_000, 's after the start', `${rows} rows beside the restoring of the own ones`)
    }
    await takeOver(of, victim, heir, options, standby ? 'taken over, standby copies' : 'taken over, no copies')
    await heir.stop()
  }
}

/** Kills one while changes come for every partition, and waits until all that it owned moves on in the other. */
async function takeOver({ log, admin, prefix, publisher }: Installation, victim: Worker, heir: Worker, { accounts, sessionSeconds, tell }: TakeOver, how: string): Promise<void> {
  const places = Object.entries(victim.owned).filter(([topic]) => topic === 'raw' || topic === 'facts').flatMap(([topic, of]) => of.map((partition) => `${topic}/${partition}`))
  const stop = new AbortController()
  const probing = probe(publisher, accounts, stop.signal)
  await sleep(2_000)
  await victim.kill()
  const killed = performance.now()
  // what its last transaction moved is not the heir's doing
  await sleep(500)
  const before = await positions(admin, prefix)
  const moved = new Map<string, number>()
  await until(async () => {
    const now = await positions(admin, prefix)
    for (const place of places) if (!moved.has(place) && now.get(place)! > before.get(place)!) moved.set(place, performance.now() - killed)
    return moved.size === places.length
  }, 'the other process has taken over', fillMs)
  stop.abort()
  await probing
  await drained(log, admin, prefix)
  const since = (ms: number): number => (ms - killed) / 1_000
  const given = heir.said.find(({ owned, ms }) => owned !== undefined && ms > killed)
  const restored = heir.said.filter(({ restored: task, ms }) => task !== undefined && ms > killed)
  const rowsRestored = restored.reduce((sum, { rows: of }) => sum + (of ?? 0), 0)
  tell(`${how}: first new output`, Math.min(...moved.values()) / 1_000, 's after SIGKILL', `session ${sessionSeconds} s`)
  tell(`${how}: everything moves on`, Math.max(...moved.values()) / 1_000, 's after SIGKILL', `${places.length} partitions of raw and facts`)
  tell('  of that: the group gives the partitions away', since(given?.ms ?? killed), 's after SIGKILL')
  tell('  of that: the last state is restored', since(restored.at(-1)?.ms ?? killed), 's after SIGKILL', `${rowsRestored} rows`)
}

/** For each partition of raw and each of facts, an account that is in the one and whose person is at home in the other. */
function probed(accounts: number): string[] {
  const found = new Map<string, string>()
  for (let k = 0; k < accounts; k++) {
    const places = `${partitionOf(accountKey(app, `a${k}`), partitions)} ${partitionOf(identityHome(`p${k}`), partitions)}`
    if (!found.has(places)) found.set(places, `a${k}`)
  }
  return [...found.values()]
}

/** A change for each of these accounts, again and again. */
async function probe(publisher: Publisher, accounts: number, signal: AbortSignal): Promise<void> {
  const of = probed(accounts)
  for (let round = 0; !signal.aborted; round++) {
    const ref = { kind: 'entitlement' as const, id: 'perm-nobody-approved' }
    await publisher.publish(of.map((id): Outgoing => ({
      topic: 'raw', key: accountKey(app, id),
      record: {
        type: 'Account', app, id, native: id, run: null, observed: Date.now() * 1_000, valid: null, gone: false, attributes: null, memberships: null,
        grants: { whole: false, added: round % 2 === 0 ? [{ ref, valid: null }] : [], removed: round % 2 === 0 ? [] : [ref] }, credentials: null,
      },
    })))
    await sleep(probeMs)
  }
}
