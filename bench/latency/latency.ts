import { parseArgs } from 'node:util'
import { z } from 'zod'
import { PolicySetting } from '../../schemas/settings.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import { accountKey } from '../../src/core/keys.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { Outgoing } from '../../src/runtime/publisher.ts'
import { publishResults, quantile } from '../machine.ts'
import { app, intent, rootChildren, rootRole, settings, snapshot } from '../workload.ts'
import { partitionCount, Stack } from './stack.ts'

/**
 * `node bench/latency/latency.ts [accounts] [seconds] [events a second] [--kafka host:port | --threads t]`: W(n) is loaded; then
 * - change events come steadily, each giving an account a permission that nobody approved, or taking it away again: the time from
 *   the call that appends the event to its finding's row being acknowledged by the tables;
 * - what concerns everybody is edited (a business role, the policy, a role of the application), and right behind each edit four people
 *   leave whom it reaches last: until the finding is readable, and until the edit has reached everybody.
 */
const { values: { kafka, threads }, positionals } = parseArgs({ allowPositionals: true, options: { kafka: { type: 'string' }, threads: { type: 'string', default: '1' } } })
const [accounts = 5_000, seconds = 20, eventsPerSecond = 1_000] = positionals.map(Number)
const counts = { raw: partitionCount, intent: partitionCount, facts: partitionCount }
const stepMs = 20
const native = 'perm-nobody-approved'
const leaversAnEdit = 4
/** Each judges everybody anew; the first and the last one open a finding at each account. Made when it is sent: an older one would be ignored. */
const editsOfAll: Readonly<Record<string, () => Outgoing[]>> = {
  'a business role': () => [...roleOfAll([{ app, entitlement: 'perm-everybody-needs' }])],
  'the policy': () => [policy({ severities: { 'unauthorised-grant': 'critical' } })],
  'a role of the application': () => [roleOfApplication('perm-of-a-role')],
}

const results = kafka !== undefined ? 'latency-kafka' : threads === '1' ? 'latency' : 'latency-threads'
const stack = await Stack.open(kafka?.split(',') ?? null, Number(threads))
try {
  await stack.load(settings(counts))
  await stack.load(intent(accounts, counts))
  await stack.load(roleOfAll([]))
  await stack.load(everybodyHasIt())
  await stack.load(snapshot(accounts, 1, counts))
  console.log(`${accounts} accounts are loaded`)
  const cpu = process.cpuUsage()
  const batches = stack.batches
  const steady = await steadyEvents()
  const { user, system } = process.cpuUsage(cpu)
  console.log(`${((user + system) / 1e6).toFixed(1)} CPU s for ${steady.length} events, ${stack.batches - batches} batches`)
  const edits = []
  for (const [what, edit] of Object.entries(editsOfAll)) edits.push({ what, ...(await leaversBehind(edit(), edits.length)) })
  publishResults(results, [
    { what: `${eventsPerSecond} change events a second for ${seconds} s, ${accounts} accounts`, ...summary(steady.map(({ ms }) => ms)) },
    { what: 'of these, the second half, when most of the code is compiled', ...summary(steady.slice(steady.length / 2).map(({ ms }) => ms)) },
    ...edits.flatMap(({ what, leavers, editMs }) => [
      { what: `a leaver behind an edit of ${what}, which concerns ${accounts} accounts`, ...summary(leavers) },
      { what: 'that edit, until it has reached everybody', 'max ms': Math.round(editMs) },
    ]),
  ])
} finally {
  await stack.close()
}

function summary(latencies: readonly number[]): Record<string, number> {
  return { findings: latencies.length, 'p50 ms': quantile(latencies, 0.5), 'p99 ms': quantile(latencies, 0.99), 'max ms': quantile(latencies, 1) }
}

/** Each account in turn, twice: it gets the permission in one round and loses it in the next. In the order in which they are appended. */
async function steadyEvents(): Promise<{ appended: number; ms: number }[]> {
  const from = stack.landed.length
  const first = await nextOffsets()
  const appended = new Map<string, number>()
  const began = performance.now()
  let sent = 0
  while (sent < seconds * eventsPerSecond) {
    const due = Math.min(Math.floor(((performance.now() - began) / 1_000) * eventsPerSecond), seconds * eventsPerSecond)
    const events: Outgoing[] = []
    const at = performance.now()
    for (; sent < due; sent++) {
      const id = `a${sent % accounts}`
      const isGiven = Math.floor(sent / accounts) % 2 === 0
      appended.set(`${id} ${isGiven ? 'opened' : 'closed'} ${Math.floor(sent / accounts / 2)}`, at)
      events.push({ topic: 'raw', key: accountKey(app, id), record: change(id, isGiven) })
    }
    if (events.length > 0) await stack.publisher.publish(events)
    await systemClock.sleep(stepMs - (performance.now() - at), new AbortController().signal)
  }
  await stack.drained()
  const Row = z.object({ account: z.string(), change: z.string(), partition: z.int(), offset: z.int() })
  const rows = await stack.store.query(
    `SELECT account, change, partition, offset FROM findings_log WHERE entitlement = {native:String} AND offset >= arrayElement({first:Array(Int64)}, partition + 1)
     ORDER BY partition, offset, \`index\``,
    { native, first }, Row,
  )
  const times = new Map<string, number>()
  const landed = stack.landed.slice(from)
  const latencies = rows.map(({ account, change: what, partition, offset }) => {
    const kind = what === 'closed' ? 'closed' : 'opened'
    const nth = times.get(`${account} ${kind}`) ?? 0
    times.set(`${account} ${kind}`, nth + 1)
    const readable = landed.find((one) => one.partition === partition && one.offset > offset)
    const at = appended.get(`${account} ${kind} ${nth}`)!
    return { appended: at, ms: readable!.ms - at }
  })
  if (latencies.length !== sent) throw new Error(`${sent} events gave ${latencies.length} findings: each should give one`)
  return latencies.sort((a, b) => a.appended - b.appended)
}

/** The edits before have their own leavers. */
async function leaversBehind(edit: Outgoing[], editsBefore: number): Promise<{ leavers: number[]; editMs: number }> {
  const last = accounts - leaversAnEdit * editsBefore
  const leavers = Array.from({ length: accounts }, (_, k) => `p${k}`).sort().slice(last - leaversAnEdit, last)
  const at = performance.now()
  const from = stack.landed.length
  await stack.publisher.publish(edit)
  await stack.publisher.publish(leavers.map((id): Outgoing => ({ topic: 'intent', key: id, record: ended(id) })))
  await stack.drained()
  const editMs = performance.now() - at
  const Row = z.object({ partition: z.int(), offset: z.int() })
  const rows = await stack.store.query(`SELECT partition, offset FROM findings_log WHERE kind = 'leaver-access' AND change = 'opened' AND identity IN {leavers:Array(String)}`, { leavers }, Row)
  if (rows.length !== leavers.length) throw new Error(`${leavers.length} leavers gave ${rows.length} findings`)
  const landed = stack.landed.slice(from)
  return { editMs, leavers: rows.map(({ partition, offset }) => landed.find((one) => one.partition === partition && one.offset > offset)!.ms - at) }
}

async function nextOffsets(): Promise<number[]> {
  const Row = z.object({ partition: z.int(), next: z.int() })
  const rows = await stack.store.query('SELECT partition, toInt64(max(offset) + 1) AS next FROM findings_log GROUP BY partition', {}, Row)
  return Array.from({ length: partitionCount }, (_, partition) => rows.find((row) => row.partition === partition)?.next ?? 0)
}

function change(id: string, isGiven: boolean): Extract<Outgoing, { topic: 'raw' }>['record'] {
  const grant = { kind: 'entitlement' as const, id: native }
  return {
    type: 'Account', app, id, native: id, run: null, observed: Date.now() * 1_000, valid: null, gone: false, attributes: null, memberships: null,
    grants: { whole: false, added: isGiven ? [{ ref: grant, valid: null }] : [], removed: isGiven ? [] : [grant] }, credentials: null,
  }
}

function facet(feed: string): { feed: string; run: null; observed: number; valid: null; removed: false } {
  return { feed, run: null, observed: Date.now() * 1_000, valid: null, removed: false }
}

function* roleOfAll(grants: { app: string; entitlement: string }[]): Generator<Outgoing> {
  yield { topic: 'intent', key: null, record: { type: 'BusinessRole', ...facet('roles'), id: 'br-all', name: 'Everybody', owner: null, grants, when: {} } }
}

function* everybodyHasIt(): Generator<Outgoing> {
  for (let k = 0; k < accounts; k++) {
    const id = `p${k}`
    yield { topic: 'intent', key: id, record: { type: 'RoleAssignment', ...facet('assignments'), id: `${id}-all`, identity: id, role: 'br-all', from: 0, until: null } }
  }
}

function policy(values: z.input<typeof PolicySetting>): Outgoing {
  const value = canonical(PolicySetting.parse({ dormantAfterDays: null, ...values }))
  return { topic: 'facts', key: null, record: { type: 'Setting', name: 'policy', revision: 2, digest: digest(value), value } }
}

/** The root of the tree of roles gives one permission more: all roles stand under it, and everybody has some. */
function roleOfApplication(permission: string): Outgoing {
  return {
    topic: 'raw', key: null,
    record: {
      type: 'Definition', app, run: null, observed: Date.now() * 1_000, valid: null, ref: { kind: 'role', id: rootRole }, name: null, whole: true, removed: false,
      children: [...rootChildren, { kind: 'entitlement', id: permission }],
    },
  }
}

function ended(id: string): Extract<Outgoing, { topic: 'intent' }>['record'] {
  const keys = [{ space: 'no', key: id.slice(1), since: Date.UTC(2026, 0, 1) }]
  return { type: 'Identity', ...facet('people'), id, status: 'ended', display: null, start: null, end: null, continues: null, attributes: {}, keys }
}
