import type { ClassManifest, Verdict } from '../../schemas/wire/common.ts'
import { worstOf } from '../core/verdicts.ts'
import type { ObservedClass } from '../ports/connector.ts'

/** What a stream's read says, as far as a manifest needs it. */
export interface Contribution {
  classes: readonly string[]
  verdict: Verdict
  reason: string | null
  place: string | null
  read: number
  declared: number | null
  rejected: number
}

export interface Loss {
  reason: string
  place: string
}

/** The worst of what contributes to the class; a loss found while the objects were put together makes it partial. */
export function classManifest(name: string, streams: readonly Contribution[], loss: Loss | null, counts: readonly number[]): ClassManifest {
  const own = streams.filter((stream) => stream.classes.includes(name))
  const worst = worstOf(own)
  const lost = loss !== null && worst?.verdict !== 'partial' ? loss : null
  const declared = own.map((stream) => stream.declared)
  return {
    class: name,
    verdict: lost === null ? (worst?.verdict ?? 'unknown') : 'partial',
    reason: lost?.reason ?? (worst === undefined ? 'nothing reads this class' : worst.reason),
    place: lost?.place ?? worst?.place ?? null,
    read: own.reduce((sum, stream) => sum + stream.read, 0),
    declared: own.length === 0 || declared.includes(null) ? null : declared.reduce<number>((sum, count) => sum + (count ?? 0), 0),
    rejected: own.reduce((sum, stream) => sum + stream.rejected, 0),
    counts: [...counts],
  }
}

/** Of a source that declares no stream of definitions: it has none, and all of them were read. */
export function noDefinitions(counts: readonly number[]): ClassManifest {
  return {
    class: 'definitions', verdict: 'complete', reason: null, place: null, read: 0, declared: null, rejected: 0,
    counts: counts.map(() => 0),
  }
}

/** What a run is as a whole: as its worst class; one without any is partial. */
export function outcomeOf(manifests: readonly ClassManifest[]): Pick<ClassManifest, 'verdict' | 'reason' | 'place'> {
  return worstOf(manifests) ?? { verdict: 'partial', reason: 'nothing was read', place: null }
}

/** Classes that the streams contribute to, in a fixed order. */
export function classesOf(streams: readonly { classes: readonly ObservedClass[] }[]): ObservedClass[] {
  const order: ObservedClass[] = ['definitions', 'accounts', 'memberships', 'grants', 'credentials']
  return order.filter((name) => streams.some((stream) => stream.classes.includes(name)))
}
