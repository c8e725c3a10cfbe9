import type { Assignment, Definition, Ref } from '../../schemas/wire/raw.ts'
import { equal } from '../../src/core/equal.ts'
import { deepFreeze } from '../../src/core/frozen.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import type { Runs } from '../shared/runs.ts'
import { PairMemo } from '../shared/memo.ts'
import type { Closure, Expansion } from './expand.ts'
import { closureOf, expand } from './expand.ts'
import { refKey, sortedBy } from './facets.ts'
import { allNatives } from './held.ts'

interface DefinitionRow {
  readonly ordinal: number
  readonly observed: number
  readonly children: readonly Ref[]
}

/** A definition of the open run, waiting for the run's DefinitionsEnd. Several records of one reference are one row. */
interface StagedRow {
  readonly observed: number
  readonly whole: boolean
  readonly removed: boolean
  readonly children: readonly Ref[]
}

/** Stamps of removals, by the definition's key: a page that was read before must not bring it back. */
export const removedDefinitions = 'removed-definitions'

/** By app: what was computed for one generation of its definitions. */
export type ClosureCache = Map<string, Computed>

interface Computed {
  readonly generation: number
  readonly closures: Map<string, Closure>
  /** by memberships and grants */
  readonly expansions: PairMemo<Assignments, Assignments, Expanded>
}

type Assignments = readonly Assignment[]

/** Effective grants, with the list of their native ids. */
export interface Expanded extends Expansion {
  readonly natives: readonly string[]
}

const nothing: Assignments = Object.freeze([])

/** Roles, groups and entitlements of the apps: table `definitions` in force, `staged` waiting, both under `<app>/<kind>:<id>`. */
export class Definitions {
  readonly #state: State
  readonly #runs: Runs
  readonly #cache: ClosureCache

  constructor(state: State, runs: Runs, cache: ClosureCache) {
    this.#state = state
    this.#runs = runs
    this.#cache = cache
  }

  /** A record of the open run. One that says what is in force already is not staged, so an unchanged run writes no row. */
  stage(record: Definition): void {
    const key = `${record.app}/${refKey(record.ref)}`
    const before = this.#state.get<StagedRow>('staged', key)
    const row = this.#state.get<DefinitionRow>('definitions', key)
    if (row !== undefined && before === undefined && !record.removed && equal(next(row.children, record), row.children)) {
      this.#runs.observe(record.app, 'definitions', row.ordinal, ['definitions'], record.run, record.observed)
      return
    }
    this.#state.put('staged', key, merge(before, record))
  }

  /** Puts staged rows of the app in force, about `budget` of them; answers what is left to do and the newest stamp that changed. */
  applyStaged(app: string, run: number, budget: number): { done: boolean; spent: number; changed: number | null } {
    let changed: number | null = null
    let spent = 0
    for (const [key, staged] of this.#state.range<StagedRow>('staged', { prefix: `${app}/` })) {
      if (spent >= budget) return { done: false, spent, changed }
      spent++
      this.#state.delete('staged', key)
      if (this.#apply(app, key, staged, run)) changed = Math.max(changed ?? 0, staged.observed)
    }
    return { done: true, spent, changed }
  }

  /** Forgets what an abandoned run has staged. */
  dropStaged(app: string, budget: number): { done: boolean; spent: number } {
    let spent = 0
    for (const [key] of this.#state.range('staged', { prefix: `${app}/` })) {
      if (spent++ >= budget) return { done: false, spent }
      this.#state.delete('staged', key)
    }
    return { done: true, spent }
  }

  /** A change event, in force at once; true if it changed something. */
  applyNow(record: Definition): boolean {
    return this.#apply(record.app, `${record.app}/${refKey(record.ref)}`, merge(undefined, record), null)
  }

  *range(app: string, after: string | null): Iterable<readonly [string, DefinitionRow]> {
    const prefix = `${app}/`
    yield* this.#state.range<DefinitionRow>('definitions', after === null ? { prefix } : { prefix, after })
  }

  remove(app: string, key: string): void {
    const row = this.#state.get<DefinitionRow>('definitions', key)
    if (row === undefined) return
    this.#state.delete('definitions', key)
    this.#runs.hold(app, 'definitions', -1)
    this.#runs.dropOrdinal(app, 'definitions', row.ordinal)
    this.#turn(app)
  }

  /** What the holder of these assignments effectively gets, by the definitions in force; frozen where these are. */
  expand(app: string, memberships: Assignments = nothing, grants: Assignments = nothing): Expanded {
    const computed = this.#computed(app)
    return computed.expansions.of(memberships, grants, '', () => {
      const expansion = expand([...memberships, ...grants], (ref) => this.#closure(app, computed, ref))
      const expanded = { ...expansion, natives: allNatives.of(expansion.grants.map(({ native }) => native)) }
      return Object.isFrozen(memberships) && Object.isFrozen(grants) ? deepFreeze(expanded) : expanded
    })
  }

  #closure(app: string, { closures }: Computed, ref: Ref): Closure {
    const key = refKey(ref)
    let closure = closures.get(key)
    if (closure === undefined) {
      closure = closureOf(ref, (child) => this.#state.get<DefinitionRow>('definitions', `${app}/${refKey(child)}`)?.children)
      closures.set(key, closure)
    }
    return closure
  }

  #computed(app: string): Computed {
    const generation = this.#generation(app)
    let computed = this.#cache.get(app)
    if (computed?.generation !== generation) {
      computed = { generation, closures: new Map(), expansions: new PairMemo() }
      this.#cache.set(app, computed)
    }
    return computed
  }

  #apply(app: string, key: string, staged: StagedRow, run: number | null): boolean {
    const row = this.#state.get<DefinitionRow>('definitions', key)
    const { observed } = staged
    const removed = row === undefined ? this.#state.get<number>(removedDefinitions, key) : undefined
    if (row !== undefined) this.#runs.observe(app, 'definitions', row.ordinal, ['definitions'], run, observed)
    if (this.#runs.isStale(app, 'definitions', row?.ordinal ?? null, row?.observed ?? removed ?? -1, observed)) return false
    if (staged.removed) {
      this.#state.put(removedDefinitions, key, observed)
      this.remove(app, key)
      return row !== undefined
    }
    const children = next(row?.children ?? [], staged)
    if (removed !== undefined) this.#state.delete(removedDefinitions, key)
    if (row === undefined) {
      const ordinal = this.#runs.newOrdinal(app, 'definitions')
      this.#runs.hold(app, 'definitions', 1)
      this.#runs.observe(app, 'definitions', ordinal, ['definitions'], run, observed)
      this.#state.put('definitions', key, { ordinal, observed, children })
    } else {
      const same = equal(children, row.children)
      if (same && run !== null) return false
      this.#state.put('definitions', key, { ...row, observed: Math.max(row.observed, observed), children })
      if (same) return false
    }
    this.#turn(app)
    return true
  }

  #generation(app: string): number {
    return getHot<number>(this.#state, 'generations', app) ?? 0
  }

  #turn(app: string): void {
    putHot(this.#state, 'generations', app, this.#generation(app) + 1)
  }
}

function next(before: readonly Ref[], { whole, children }: Pick<StagedRow, 'whole' | 'children'>): Ref[] {
  const added = children.map(({ kind, id }) => ({ kind, id }))
  return sortedBy(whole ? added : [...before, ...added], refKey)
}

/** A later record of the same run: one that is whole or removed replaces, one that only adds adds. */
function merge(before: StagedRow | undefined, { observed, whole, removed, children }: Definition): StagedRow {
  if (before === undefined || whole || removed || before.removed) {
    return { observed, whole, removed, children: next([], { whole, children }) }
  }
  return { observed, whole: before.whole, removed: false, children: next(before.children, { whole, children }) }
}
