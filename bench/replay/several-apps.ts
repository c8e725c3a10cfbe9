import { AppSetting, PolicySetting, type SourcesSetting } from '../../schemas/settings.ts'
import { canonical, digest } from '../../src/core/canonical.ts'
import type { Outgoing } from '../../src/runtime/publisher.ts'
import { app as first, intent, snapshot, type Partitions } from '../workload.ts'

/** An application of W(n): who has an account there are the first `people` of all. */
export interface BenchApp {
  app: string
  people: number
}

/** Everybody has an account in each of two, and every twentieth person in a third one. */
export const appsOf = (people: number): BenchApp[] => [{ app: first, people }, { app: 'wide', people }, { app: 'narrow', people: Math.ceil(people / 20) }]

const brake = { maxAbsent: 50, maxAbsentShare: 0.2 }
const feedsOf = ({ app }: BenchApp): { name: string; class: SourcesSetting['feeds'][number]['class']; brake: typeof brake }[] => [
  ...(app === first ? [{ name: 'people', class: 'identities' as const, brake }] : []),
  { name: named('roles', app), class: 'business-roles', brake },
  { name: named('assignments', app), class: 'role-assignments', brake },
  { name: named('requests', app), class: 'requests', brake },
]

export function settingsOf(apps: readonly BenchApp[], partitions: Partitions): Outgoing[] {
  const sources: SourcesSetting = { apps: apps.map(({ app }) => app), feeds: apps.flatMap(feedsOf), partitions }
  const values: [string, unknown][] = [
    ...apps.map(({ app }): [string, unknown] => [`app/${app}`, AppSetting.parse({ match: [{ space: 'no', attribute: 'no' }], identityMapping: true })]),
    ['policy', PolicySetting.parse({ dormantAfterDays: null })],
    ['sources', sources],
  ]
  return values.flatMap(([name, value]) => {
    const text = canonical(value)
    return (['raw', 'intent', 'facts'] as const).map((topic): Outgoing => ({ topic, key: null, record: { type: 'Setting', name, revision: 1, digest: digest(text), value: text } }))
  })
}

/** W(n)'s, under the names of this application; people are told of once. */
export function* intentOf(of: BenchApp, partitions: Partitions): Generator<Outgoing> {
  for (const outgoing of intent(of.people, partitions)) {
    if (of.app === first) yield outgoing
    else if (!isOfPeople(outgoing)) yield renamed(outgoing, of)
  }
}

export function* snapshotOf(of: BenchApp, run: number, partitions: Partitions): Generator<Outgoing> {
  for (const outgoing of snapshot(of.people, run, partitions)) yield renamed(outgoing, of)
}

function isOfPeople({ record }: Outgoing): boolean {
  return ('source' in record && record.source === 'people') || ('feed' in record && record.feed === 'people')
}

function renamed(outgoing: Outgoing, { app }: BenchApp): Outgoing {
  if (app === first) return outgoing
  const record = JSON.parse(
    JSON.stringify(outgoing.record, (name, value: unknown) => (typeof value === 'string' && (value === first || feedFields.has(name) || (name === 'role' || (name === 'id' && value.startsWith('br-')))) ? named(value, app) : value)),
  ) as Outgoing['record']
  const key = outgoing.key?.startsWith(`${first}/`) === true ? `${app}/${outgoing.key.slice(first.length + 1)}` : outgoing.key
  return { ...outgoing, key, record } as Outgoing
}

const feedFields: ReadonlySet<string> = new Set(['feed', 'source'])
const named = (name: string, app: string): string => (app === first ? name : name === first ? app : `${name}-${app}`)
