import type { Baseline } from '../../schemas/wire/facts.ts'
import type { SourcesSetting } from '../../schemas/settings.ts'
import type { State } from '../../src/ports/processor.ts'
import { getHot, putHot } from '../shared/hot-rows.ts'
import type { News } from './later.ts'

/** The first mark of each writer (and of the partition that passed it on); later ones vouch for nothing new. */
type Marks = { writer: number; via: number | null; at: number }[]

interface Feeds {
  desired: boolean
  keys: boolean
}

/**
 * Which baselines are there. Marks are counted against what `sources` says exists: it may arrive before or after them. Without
 * sources, or where no feed is configured at all, nothing is ready: nobody has said what should be. Whatever changes answers the news
 * that homes are to be judged for, or null.
 */
export class Readiness {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  feeds(): Feeds {
    return getHot<Feeds>(this.#state, 'readiness', 'feeds') ?? { desired: false, keys: false }
  }

  /** When the last raw partition's mark of the app was made, ms; null while one is missing. */
  observedAt(app: string): number | null {
    return getHot<number>(this.#state, 'observed', app) ?? null
  }

  mark({ stage, source, class: of, writer, via, at }: Baseline, sources: SourcesSetting | undefined): News | null {
    if (stage === 'observed' && of !== 'accounts') return null
    const key = `${stage}/${source}`
    const marks = this.#state.get<Marks>('marks', key) ?? []
    if (marks.some((mark) => mark.writer === writer && mark.via === via)) return null
    this.#state.put('marks', key, [...marks, { writer, via, at }])
    if (sources === undefined) return null
    if (stage === 'observed') return this.#countApp(source, sources) ? `observed/${source}` : null
    return this.#countFeeds(sources) ? 'feeds' : null
  }

  /** Counts anew after the sources changed. */
  recount(sources: SourcesSetting): News | null {
    let changed = this.#countFeeds(sources)
    const observed = [...this.#state.range<Marks>('marks', { prefix: 'observed/' })].map(([key]) => key.slice('observed/'.length))
    for (const app of observed) changed = this.#countApp(app, sources) || changed
    return changed ? 'all' : null
  }

  /** A retired app has no baseline: should it come back, it has to be read completely first. */
  retire(app: string): News | null {
    this.#state.delete('marks', `observed/${app}`)
    if (this.observedAt(app) === null) return null
    this.#state.delete('observed', app)
    return `app/${app}`
  }

  #countApp(app: string, { partitions }: SourcesSetting): boolean {
    const marks = (this.#state.get<Marks>('marks', `observed/${app}`) ?? []).filter(({ writer }) => writer < partitions.raw)
    const at = marks.length === partitions.raw ? Math.max(...marks.map((mark) => mark.at)) : null
    if (at === this.observedAt(app)) return false
    if (at === null) this.#state.delete('observed', app)
    else putHot(this.#state, 'observed', app, at)
    return true
  }

  #countFeeds({ feeds, partitions }: SourcesSetting): boolean {
    const { raw, intent } = partitions
    const isComplete = (stage: 'desired' | 'keys', source: string): boolean => {
      const marks = this.#state.get<Marks>('marks', `${stage}/${source}`) ?? []
      const counted = marks.filter(({ writer, via }) => writer < intent && (via ?? 0) < raw)
      return counted.length === (stage === 'keys' ? intent * raw : intent)
    }
    const isReady = (stage: 'desired' | 'keys'): boolean => feeds.length > 0 && feeds.every(({ name }) => isComplete(stage, name))
    const before = this.feeds()
    const after = { desired: isReady('desired'), keys: isReady('keys') }
    if (after.desired === before.desired && after.keys === before.keys) return false
    putHot(this.#state, 'readiness', 'feeds', after)
    return true
  }
}
