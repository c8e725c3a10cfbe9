import { expect } from 'vitest'
import type { AppSetting } from '../../../schemas/settings.ts'
import type { ClassManifest, Credential, Position } from '../../../schemas/wire/common.ts'
import type { AccountFact } from '../../../schemas/wire/facts.ts'
import type { Account, AccountIntent, Definition, KeyBook, RawRecord, Ref } from '../../../schemas/wire/raw.ts'
import type { RecordOf } from '../../../schemas/wire/topics.ts'
import { normalise } from '../../../processors/normalise/normalise.ts'
import type { DriverOptions, Output } from '../../support/processor-driver.ts'
import { ProcessorDriver } from '../../support/processor-driver.ts'

/** Builders of raw records of one app, `crm`, and a world that runs them in three ways which must give the same. */

export const app = 'crm'
const cause: Position = { topic: 'intent', partition: 0, offset: 0, index: 0 }

export function setting(value: Partial<AppSetting> = {}, revision = 1, name = app): RawRecord {
  const full: AppSetting = {
    state: 'active', ids: 'exact', match: [{ space: 'email', attribute: 'mail' }], ownerSpace: 'email', catalogue: {},
    identityMapping: true, reread: false, brake: { maxAbsent: 1_000, maxAbsentShare: 1 }, allowedDelaySeconds: 0, corrections: null, ...value,
  }
  return { type: 'Setting', name: `app/${name}`, revision, digest: '', value: JSON.stringify(full) }
}

export const tick = (at: number): RawRecord => ({ type: 'Tick', at })

export const role = (id: string): Ref => ({ kind: 'role', id })
export const group = (id: string): Ref => ({ kind: 'group', id })
export const entitlement = (id: string): Ref => ({ kind: 'entitlement', id })

export interface Sketch {
  kind?: 'human' | 'service' | 'apikey' | 'token'
  status?: 'active' | 'disabled'
  display?: string | null
  created?: number | null
  lastUsed?: number | null
  owner?: string | null
  values?: Record<string, string>
  roles?: readonly Ref[]
  direct?: readonly string[]
  credentials?: Credential[]
  whole?: boolean
}

/** An observation of everything that the sketch names, whole unless it says otherwise; `undefined` lists leave their facet out. */
export function account(id: string, observed: number, sketch: Sketch = {}, run: number | null = null, name = app): Account {
  const { whole = true, roles, direct, credentials } = sketch
  return {
    type: 'Account', app: name, id, native: id, run, observed, valid: null, gone: false,
    attributes: {
      whole, kind: sketch.kind ?? 'human', status: sketch.status ?? 'active', display: sketch.display ?? null,
      created: sketch.created ?? null, lastUsed: sketch.lastUsed ?? null, owner: sketch.owner ?? null,
      values: sketch.values ?? { mail: `${id}@x` },
    },
    memberships: roles === undefined ? null : { whole, added: roles.map((ref) => ({ ref, valid: null })), removed: [] },
    grants: direct === undefined ? null : { whole, added: direct.map((one) => ({ ref: entitlement(one), valid: null })), removed: [] },
    credentials: credentials === undefined ? null : { whole, added: credentials, removed: [] },
  }
}

export const gone = (id: string, observed: number): Account => ({ ...account(id, observed), gone: true, attributes: null })

export function defined(ref: Ref, children: readonly Ref[], observed: number, run: number | null, more: Partial<Definition> = {}): Definition {
  return {
    type: 'Definition', app, run, observed, valid: null, ref, name: null, whole: true, removed: false, children: [...children], ...more,
  }
}

export function keyBook(
  identity: string,
  keys: readonly (readonly [space: string, key: string, since: number, until?: number | undefined])[],
  more: Partial<KeyBook> = {},
): KeyBook {
  return {
    type: 'KeyBook', identity, revision: 1, status: 'active', continues: null,
    keys: keys.map(([space, key, since, until]) => ({ space, key, since, until: until ?? null })), sources: null, cause, ...more,
  }
}

export function intent(id: string, more: Partial<AccountIntent>): AccountIntent {
  return { type: 'AccountIntent', app, id, link: null, owner: null, entries: [], lapsed: [], revoked: null, sources: [], cause, ...more }
}

export function begin(run: number, observed: number, classes: readonly string[], mode: 'snapshot' | 'filtered' = 'snapshot'): RawRecord {
  return { type: 'RunBegin', source: app, run, observed, mode, classes: [...classes] }
}

export function manifest(name: string, count: number, more: Partial<ClassManifest> = {}): ClassManifest {
  return { class: name, verdict: 'complete', reason: null, place: null, read: count, declared: null, rejected: 0, counts: [count], ...more }
}

export const end = (run: number, observed: number, classes: ClassManifest[]): RawRecord => ({ type: 'RunEnd', source: app, run, observed, classes })

export interface Snapshot {
  run: number
  /** of its begin; the pages follow in steps of 1 */
  from: number
  definitions?: readonly (readonly [Ref, readonly Ref[]])[]
  accounts: Readonly<Record<string, Sketch>>
  verdicts?: Partial<Record<string, ClassManifest['verdict']>>
  /** pushed after the last account */
  between?: readonly RawRecord[]
  /** added to what the manifests say was sent */
  surplus?: number
}

/** A run with everything its manifests promise; it declares the classes of which a sketch shows something. */
export function snapshot({ run, from, definitions, accounts, verdicts = {}, between = [], surplus = 0 }: Snapshot): RawRecord[] {
  const sketches = Object.entries(accounts)
  const shown: Record<string, number> = {
    accounts: 1,
    memberships: sketches.filter(([, { roles }]) => roles !== undefined).length,
    grants: sketches.filter(([, { direct }]) => direct !== undefined).length,
    credentials: sketches.filter(([, { credentials }]) => credentials !== undefined).length,
  }
  const classes = Object.keys(shown).filter((name) => (shown[name] ?? 0) > 0 || verdicts[name] !== undefined)
  const made = (name: string, count: number): ClassManifest => manifest(name, count + surplus, { verdict: verdicts[name] ?? 'complete' })
  let at = from
  const records: RawRecord[] = [begin(run, at++, definitions === undefined ? classes : ['definitions', ...classes])]
  for (const [ref, children] of definitions ?? []) records.push(defined(ref, children, at++, run))
  const definitionsManifest = made('definitions', definitions?.length ?? 0)
  if (definitions !== undefined) {
    records.push({ type: 'DefinitionsEnd', source: app, run, observed: at++, manifest: definitionsManifest })
  }
  for (const [id, sketch] of sketches) records.push(account(id, at++, sketch, run))
  records.push(...between, end(run, at + 1_000, classes.map((name) => made(name, sketches.length))))
  return records
}

/** The same records in one driver, in one that reloads after every record and slice, and in one with slices of uneven size. */
export class World {
  readonly plain: ProcessorDriver<'raw'>
  readonly #others: ProcessorDriver<'raw'>[]

  constructor(options: DriverOptions = {}, type = normalise) {
    let seed = 7
    const uneven = (): number => 1 + ((seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % 3)
    this.plain = new ProcessorDriver(type, options)
    this.#others = [
      new ProcessorDriver(type, { ...options, reload: true }),
      new ProcessorDriver(type, { ...options, budget: uneven }),
      new ProcessorDriver(type, { ...options, budget: () => 1, reload: true }),
    ]
  }

  push(...records: RawRecord[]): Output[] {
    const outputs = this.plain.push(...records)
    for (const driver of this.#others) {
      expect(driver.push(...records)).toEqual(outputs)
      expect(driver.dump()).toBe(this.plain.dump())
    }
    return outputs
  }

  /** As the runtime does at the end of the log: ticks follow one another until no work lags behind. */
  catchUp(): Output[] {
    const outputs: Output[] = []
    while (this.plain.lags) outputs.push(...this.push(tick(0)))
    return outputs
  }

  /** The last fact of the account; undefined where it is gone or was never told. */
  fact(id: string): AccountFact | undefined {
    return currentFacts(this.plain.outputs).get(`${app}/${id}`)
  }
}

/** What facts say in the end: for each account the fact at its one home. */
export function currentFacts(outputs: readonly Output[]): Map<string, AccountFact> {
  const homes = new Map<string, AccountFact>()
  for (const { key, record } of outputs) {
    if (record.type === 'AccountFact') homes.set(JSON.stringify([key, record.app, record.account]), record)
    if (record.type === 'AccountGone') homes.delete(JSON.stringify([key, record.app, record.account]))
  }
  const facts = new Map<string, AccountFact>()
  for (const fact of homes.values()) {
    expect(facts.has(`${fact.app}/${fact.account}`), `${fact.account} has two homes`).toBe(false)
    facts.set(`${fact.app}/${fact.account}`, fact)
  }
  return facts
}

type Written = RecordOf<'facts' | 'commands' | 'sync-runs' | 'dead-letters'>
type OfType<T extends Written['type']> = Extract<Written, { type: T }>

export function ofType<T extends Written['type']>(outputs: readonly Output[], type: T): OfType<T>[] {
  return outputs.flatMap(({ record }) => (record.type === type ? [record as OfType<T>] : []))
}

export const natives = (fact: AccountFact | undefined): string[] | undefined => fact?.grants.map(({ native }) => native)
