import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FeedConfig } from '../../schemas/config.ts'
import type { IntentClass } from '../../schemas/settings.ts'
import { runFeed } from '../../src/connect/feeds/feed-run.ts'
import { Lab } from '../connect/lab.ts'
import { Surroundings, types } from '../replay/history.ts'
import { Topology } from '../support/topology.ts'
import { decided } from './decided.ts'

/** What a loss on the side of governance does: files that declare their rows, read by the feeds' runtime, and the real processors. */
const hourMs = 3_600_000
const people = ['ann', 'bob', 'cy', 'dee', 'eve', 'fay']
const shapes = {
  people: { class: 'identities', header: 'id,mail,dept', keys: { mail: 'mail' }, attributes: ['dept'] },
  roles: { class: 'business-roles', header: 'id,app,entitlement,when' },
  assignments: { class: 'role-assignments', header: 'identity,role,from' },
  requests: { class: 'requests', header: 'id,identity,app,entitlement,from,approvedBy' },
} as const
type Name = keyof typeof shapes
const names = Object.keys(shapes) as Name[]

/** Everybody in sales has what is approved; each row is needed for that. */
const files: Record<Name, readonly string[]> = {
  people: people.map((id) => `${id},${id}@acme.example,sales`),
  roles: ['sales,app,deal.read,dept=sales', 'sales,app,deal.write,', 'extra,app,deal.list,', 'sales,app,deal.close,', 'extra,app,deal.drop,'],
  assignments: people.map((id) => `${id},extra,2025-01-01`),
  requests: people.map((id, n) => `r${n},${id},app,deal.export,2025-01-01,boss`),
}
const all = ['deal.close', 'deal.drop', 'deal.export', 'deal.list', 'deal.read', 'deal.write']

let lab: Lab
let topology: Topology
let surroundings: Surroundings

beforeEach(async () => {
  lab = new Lab()
  topology = new Topology({ types, log: lab.log, codec: lab.codec, clock: lab.clock })
  surroundings = new Surroundings(topology)
  await topology.drain()
  await surroundings.settings({ app: {} }, names.map((name): [string, IntentClass] => [name, shapes[name].class]))
  await surroundings.snapshot('app', {}, people.map((id) => ({ id, direct: all })))
  await topology.drain()
})
afterEach(() => lab.dispose())

async function read(name: Name, lines: readonly string[]): Promise<string> {
  const { header: _header, ...shape } = shapes[name]
  writeFileSync(join(lab.dataDir, `${name}.csv`), lines.join('\n'))
  lab.clock.advance(hourMs)
  const path = `${name}.csv`
  const result = await runFeed({
    source: await lab.source(name), feed: { ...FeedConfig.parse({ format: 'csv', path, ...shape }), path }, baseDir: lab.dataDir,
    canonical: (_app, native) => native, apps: new Set(), partitions: 3, dataDir: lab.dataDir, signal: lab.controller.signal,
  })
  await topology.advance(hourMs)
  if (result.verdict === 'partial') expect(result.place).toContain(path)
  return result.verdict
}

const asFile = (name: Name, rows: readonly string[]): string[] => [shapes[name].header, ...rows, `# rows: ${rows.length}`, '']
const whole = (name: Name): string[] => asFile(name, files[name])

async function readAll(): Promise<void> {
  for (const name of names) expect(await read(name, whole(name))).toBe('complete')
}

/** The file as it comes, its declaration unchanged. */
const losses: Record<string, (lines: string[]) => string[]> = {
  'drops its middle': (lines) => [...lines.slice(0, 3), ...lines.slice(5)],
  'repeats a part': (lines) => [...lines.slice(0, 4), ...lines.slice(2)],
  'loses its last row': (lines) => [...lines.slice(0, -3), ...lines.slice(-2)],
  'breaks off between two rows': (lines) => lines.slice(0, 4),
  'breaks off in a row': (lines) => [...lines.slice(0, 4), lines[4]!.slice(0, 7)],
  'is empty': () => [],
}
const cases = names.flatMap((name) => Object.keys(losses).map((loss) => ({ name, loss })))

describe('a file of governance', () => {
  it.each(cases)('$name that $loss takes nothing away, closes nothing and opens nothing', async ({ name, loss }) => {
    await readAll()
    const before = await decided(topology)
    expect(before.findings).toEqual([])
    expect(await read(name, losses[loss]!(whole(name)))).toBe('partial')
    expect(await decided(topology)).toEqual(before)
    expect(await read(name, whole(name))).toBe('complete')
    expect(await decided(topology)).toEqual(before)
  })

  it.each(cases)('$name that $loss before it was ever whole makes nobody guilty', async ({ name, loss }) => {
    for (const other of names) if (other !== name) await read(other, whole(other))
    expect(await read(name, losses[loss]!(whole(name)))).toBe('partial')
    expect((await decided(topology)).findings).toEqual([])
    expect(await read(name, whole(name))).toBe('complete')
    expect((await decided(topology)).findings).toEqual([])
  })

  it.each(names)('%s: what is truly gone is missed once a file is whole', async (name) => {
    await readAll()
    expect(await read(name, asFile(name, files[name].slice(0, -1)))).toBe('complete')
    expect((await decided(topology)).findings).not.toEqual([])
  })
})
