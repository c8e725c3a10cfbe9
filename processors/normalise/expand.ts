import type { Assignment, Ref } from '../../schemas/wire/raw.ts'
import { compareKeys } from '../../src/core/order.ts'
import { refKey } from './facets.ts'

/** What the holder of one reference effectively gets: each entitlement with the shortest path of `kind:id` steps to it. */
export interface Closure {
  readonly grants: ReadonlyMap<string, string[]>
  /** references to roles and groups that nothing defines, sorted */
  readonly unknown: readonly string[]
}

export interface EffectiveGrant {
  readonly native: string
  readonly direct: boolean
  readonly valid: number | null
  readonly paths: readonly string[][]
}

const maxPaths = 4

/** Breadth first, so cycles end and the first path found is a shortest one; of equals the first in order of keys. */
export function closureOf(start: Ref, childrenOf: (ref: Ref) => readonly Ref[] | undefined): Closure {
  const grants = new Map<string, string[]>()
  const unknown: string[] = []
  const visited = new Set([refKey(start)])
  const queue: { ref: Ref; path: string[] }[] = [{ ref: start, path: [] }]
  for (const { ref, path } of queue) {
    if (ref.kind === 'entitlement') grants.set(ref.id, path)
    const children = childrenOf(ref)
    if (children === undefined && ref.kind !== 'entitlement') unknown.push(refKey(ref))
    for (const child of children ?? []) {
      if (visited.has(refKey(child))) continue
      visited.add(refKey(child))
      queue.push({ ref: child, path: [...path, refKey(ref)] })
    }
  }
  return { grants, unknown: unknown.sort(compareKeys) }
}

export interface Expansion {
  readonly grants: readonly EffectiveGrant[]
  readonly unknown: readonly string[]
}

/** Effective grants of direct assignments, sorted by native id, and all unknown references below them, sorted. */
export function expand(assignments: readonly Assignment[], closure: (ref: Ref) => Closure): Expansion {
  const ways = new Map<string, { path: string[]; valid: number | null }[]>()
  const unknown = new Set<string>()
  for (const { ref, valid } of assignments) {
    const reached = closure(ref)
    for (const name of reached.unknown) unknown.add(name)
    for (const [native, path] of reached.grants) {
      const list = ways.get(native)
      if (list === undefined) ways.set(native, [{ path, valid }])
      else list.push({ path, valid })
    }
  }
  const grants = [...ways].sort(([a], [b]) => compareKeys(a, b)).map(([native, list]) => effective(native, list))
  return { grants, unknown: [...unknown].sort(compareKeys) }
}

/** A direct grant is valid from its own time on; an inherited one from the earliest known time of what it comes by. */
function effective(native: string, ways: readonly { path: string[]; valid: number | null }[]): EffectiveGrant {
  const [only] = ways
  if (ways.length === 1) return { native, direct: only!.path.length === 0, valid: only!.valid, paths: [only!.path] }
  const direct = ways.filter(({ path }) => path.length === 0)
  const times = (direct.length > 0 ? direct : ways).flatMap(({ valid }) => (valid === null ? [] : [valid]))
  const paths = ways.map(({ path }) => path).sort(comparePaths)
  const distinct = paths.filter((path, n) => n === 0 || comparePaths(path, paths[n - 1] ?? []) !== 0)
  return {
    native,
    direct: direct.length > 0,
    valid: times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b)),
    paths: distinct.slice(0, maxPaths),
  }
}

/** Shortest first, then by their steps. */
export function comparePaths(a: readonly string[], b: readonly string[]): number {
  if (a.length !== b.length) return a.length - b.length
  for (const [n, step] of a.entries()) {
    const order = compareKeys(step, b[n] ?? '')
    if (order !== 0) return order
  }
  return 0
}
