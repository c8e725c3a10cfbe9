import type { ClassManifest, RunBegin, RunEnd } from '../../schemas/wire/common.ts'
import type { State } from '../../src/ports/processor.ts'
import { editHot, getHot, putHot } from './hot-rows.ts'
import { ordered } from './rows.ts'
import type { Bitmap } from './seen.ts'
import { addBits, clearBits, countOrdinals, readBits, widthOf } from './seen.ts'

/**
 * The ledger of runs in one partition: which run of a source is open, what it has received and shown, and what its end proves.
 *
 * The caller stores the objects. Each has an ordinal (`newOrdinal`, given back with `dropOrdinal`) in its *space*: the classes
 * that are facets of one object share a space and so its ordinal (accounts, memberships, grants, credentials of an account).
 * `hold` counts the objects that have something in a class; `observe` says that an observation showed an object.
 * Removing by absence is in absences.ts. One `Runs` serves one transaction at most: it keeps the rows that it has read.
 */
export type Layout = Readonly<Record<string, readonly string[]>>

export interface OpenRun extends Counts {
  readonly run: number
  /** stamp of its begin: only what was last observed before may be absent */
  readonly begin: number
  readonly mode: 'snapshot' | 'filtered'
  readonly classes: readonly string[]
  readonly slot: number
}

/** What the open run has brought so far: a row of its own, since nearly every record changes it. */
interface Counts {
  /** records received, by class */
  readonly received: Readonly<Record<string, number>>
  /** records that were rejected but count as seen */
  readonly rejected: number
  /** objects whose content changed */
  readonly changed: number
}

type Counting = { received: Record<string, number>; rejected: number; changed: number }
type Opened = Omit<OpenRun, keyof Counts>

/** Absences of an ended run that its brake holds, for one class. Its bitmap stays, and later sightings are added to it. */
export interface HeldRun {
  readonly run: number
  /** the last run that did not show these, and nothing else, either; not told where an older release held them */
  readonly last?: number
  readonly begin: number
  readonly slot: number
  /** see AbsencePass */
  readonly covered: string | null
  readonly absent: number
  readonly present: number
}

interface ClassRow {
  /** begin of the last run that was complete here, or -1 */
  readonly complete: number
  readonly held: HeldRun | null
}

/** How many objects there are: a row of its own, since every new object changes it. */
interface Objects {
  /** by class: objects that have something in it */
  readonly holds: Record<string, number>
  /** by space: ordinals that were ever given out, and how many of these were given back */
  readonly spaces: Record<string, { readonly next: number; readonly free: number }>
}

interface SourceRow {
  /** highest run number that began */
  readonly last: number
  readonly open: Opened | null
  /** classes that the newest run declared */
  readonly declared: readonly string[]
  readonly classes: Readonly<Record<string, ClassRow>>
}

/** What this partition makes of one class of an ended run: its manifest with the partition's own verdict, reason and place. */
interface Judgement {
  readonly manifest: ClassManifest
  /** complete and a snapshot: what was not seen is absent */
  readonly provesAbsence: boolean
}

type Begun = { begun: false } | { begun: true; abandoned: OpenRun | null }

const noClass: ClassRow = { complete: -1, held: null }
const noSource: SourceRow = { last: -1, open: null, declared: [], classes: {} }
const noOrdinals = { next: 0, free: 0 }

export class Runs {
  readonly #state: State
  readonly #layout: Layout
  /** rows as last read or written here: nothing else writes them while this ledger is in use */
  readonly #rows = new Map<string, SourceRow>()
  readonly #countsKeys = new Map<string, string>()
  readonly #objectsKeys = new Map<string, string>()
  /** bitmaps of the row that was asked for last, which is replaced when it changes */
  #maps: { row: SourceRow; space: string; of: readonly (Bitmap & { begin: number })[] } | null = null

  /** bits of the classes that were asked for last: the records of a run have few lists of them */
  #asked: { space: string; classes: readonly string[]; bits: number } = { space: '', classes: [], bits: 0 }

  constructor(state: State, layout: Layout) {
    this.#state = state
    this.#layout = layout
  }

  /** A number at or below one that began before is ignored. An open run below it is closed and answered as abandoned. */
  begin(record: RunBegin): Begun {
    const row = this.#row(record.source)
    if (record.run <= row.last) return { begun: false }
    const abandoned = this.open(record.source)
    const open: Opened = { run: record.run, begin: record.observed, mode: record.mode, classes: record.classes, slot: freeSlot(row) }
    this.#put(record.source, { ...row, last: record.run, open, declared: record.classes })
    putHot(this.#state, 'runs', countsKey(record.source), noCounts())
    return { begun: true, abandoned }
  }

  open(source: string): OpenRun | null {
    const { open } = this.#row(source)
    return open === null ? null : { ...open, ...(getHot<Counts>(this.#state, 'runs', countsKey(source)) ?? noCounts()) }
  }

  /** Whether a record that carries this run number belongs to the open run; if not it is evidence of its own, not part of a run. */
  isOpen(source: string, run: number | null): boolean {
    return run !== null && this.#row(source).open?.run === run
  }

  /** Records of the open run arrived that belong to these classes; `rejected`: it could not be mapped and only counts as seen. */
  receive(source: string, classes: readonly string[], rejected = false, records = 1): void {
    this.#count(source, (counts) => {
      for (const name of classes) counts.received[name] = (counts.received[name] ?? 0) + records
      if (rejected) counts.rejected++
    })
  }

  /** The open run changed an object's content. Nothing to note where no run is open. */
  changed(source: string): void {
    this.#count(source, (counts) => {
      counts.changed++
    })
  }

  /** Dense: numbers given back are used again, so a bitmap is as long as the most objects that there ever were. */
  newOrdinal(source: string, space: string): number {
    const { next, free } = this.#ordinals(source, space)
    const slot = free > 0 ? freeKey(source, space, free - 1) : ''
    const reused = free > 0 ? this.#state.get<number>('free-ordinals', slot) : undefined
    if (reused === undefined) {
      this.#setOrdinals(source, space, next + 1, 0)
      return next
    }
    this.#state.delete('free-ordinals', slot)
    this.#setOrdinals(source, space, next, free - 1)
    return reused
  }

  /** The object is gone: its number may be another's, which has not been seen. */
  dropOrdinal(source: string, space: string, ordinal: number): void {
    const row = this.#row(source)
    for (const map of this.#bitmaps(source, row, space)) clearBits(this.#state, map, ordinal)
    const { next, free } = this.#ordinals(source, space)
    this.#state.put('free-ordinals', freeKey(source, space, free), ordinal)
    this.#setOrdinals(source, space, next, free + 1)
  }

  /** One object more (+1) or fewer (-1) has something in the class. */
  hold(source: string, name: string, by: 1 | -1): void {
    this.#editObjects(source, ({ holds }) => {
      holds[name] = (holds[name] ?? 0) + by
    })
  }

  /**
   * An observation showed these classes of the object. It counts for the open run if it is of that run or was made since its
   * begin, and in the same way for an ended run whose absences are held: what was seen later is no longer absent. `count`: of so many
   * objects, whose ordinals follow one another.
   */
  observe(source: string, space: string, ordinal: number, classes: readonly string[], run: number | null, observed: number, count = 1): void {
    const row = this.#row(source)
    const bits = this.#bits(space, classes)
    for (const map of this.#bitmaps(source, row, space)) {
      if (map.run === run || observed >= map.begin) addBits(this.#state, map, ordinal, bits, count)
    }
  }

  /** A rejected record of the open run names this object: nothing of it is absent. */
  seen(source: string, space: string, ordinal: number): void {
    const row = this.#row(source)
    const bits = this.#bits(space, this.#layout[space] ?? [])
    for (const map of this.#bitmaps(source, row, space)) addBits(this.#state, map, ordinal, bits)
  }

  /**
   * Whether an observation is older than what is known of an object, whose own row says `own` (-1 where there is no such object).
   * What the last complete run left in place was seen by it, or later; what the open run showed was seen after its begin.
   */
  isStale(source: string, name: string, ordinal: number | null, own: number, observed: number): boolean {
    const row = this.#row(source)
    if (observed < Math.max(own, (row.classes[name] ?? noClass).complete)) return true
    const { open } = row
    if (open === null || ordinal === null || observed >= open.begin) return false
    const space = this.#spaceOf(name)
    return (readBits(this.#state, this.bitmap(source, space, open), ordinal) & this.#bits(space, [name])) !== 0
  }

  /** What partition `partition` makes of one class: a manifest that promises more or less than arrived is not complete here. */
  judge(open: OpenRun, manifest: ClassManifest, partition: number): Judgement {
    const received = open.received[manifest.class] ?? 0
    const sent = manifest.counts[partition] ?? 0
    if (manifest.verdict === 'complete' && received !== sent) {
      const reason = `partition ${partition} received ${received} records of ${manifest.class}, the manifest says ${sent}`
      return { manifest: { ...manifest, verdict: 'partial', reason, place: manifest.place }, provesAbsence: false }
    }
    return { manifest, provesAbsence: manifest.verdict === 'complete' && open.mode === 'snapshot' }
  }

  /**
   * Closes the run if it is the open one, and judges each class that it declared; one without a manifest is partial. From here on
   * observations older than its begin are stale in each class that it proved. Null: not the open run, nothing changed.
   */
  end(record: RunEnd, partition: number): { run: OpenRun; judgements: Judgement[] } | null {
    const row = this.#row(record.source)
    const open = this.open(record.source)
    if (open === null || open.run !== record.run) return null
    const named = new Map(record.classes.map((manifest) => [manifest.class, manifest]))
    const missing = open.classes.filter((name) => !named.has(name)).map(noManifest)
    const judgements = [...record.classes, ...missing].map((manifest) => this.judge(open, manifest, partition))
    this.#put(record.source, { ...row, open: null })
    this.#state.delete('runs', countsKey(record.source))
    return { run: open, judgements }
  }

  /** The class was complete in a run that began at `begin`: what is older is stale. */
  completed(source: string, name: string, begin: number): void {
    this.#class(source, name, (row) => ({ ...row, complete: Math.max(row.complete, begin) }))
  }

  /** Begin of the last complete run of this class here, or -1. */
  completeSince(source: string, name: string): number {
    return (this.#row(source).classes[name] ?? noClass).complete
  }

  holds(source: string, name: string): number {
    return getHot<Objects>(this.#state, 'runs', this.#objectsKey(source))?.holds[name] ?? 0
  }

  declared(source: string): readonly string[] {
    return this.#row(source).declared
  }

  heldOf(source: string, name: string): HeldRun | null {
    return (this.#row(source).classes[name] ?? noClass).held
  }

  setHeld(source: string, name: string, held: HeldRun | null): void {
    this.#class(source, name, (row) => ({ ...row, held }))
  }

  /** Forgets all but the run number, for a source that is retired and whose objects the caller has removed. */
  forget(source: string): void {
    this.#put(source, { ...noSource, last: this.#row(source).last })
    this.#state.delete('runs', countsKey(source))
    this.#state.delete('runs', objectsKey(source))
  }

  /** The classes that the object showed in that run. */
  wasSeen(source: string, name: string, run: Pick<OpenRun, 'run' | 'slot' | 'begin'>, ordinal: number): boolean {
    const space = this.#spaceOf(name)
    return (readBits(this.#state, this.bitmap(source, space, run), ordinal) & this.#bits(space, [name])) !== 0
  }

  /** Whether that run showed this class of every object that there is in the class's space: then nothing of it can be absent. */
  sawAll(source: string, name: string, run: Pick<OpenRun, 'run' | 'slot' | 'begin'>): boolean {
    const space = this.#spaceOf(name)
    const { next, free } = this.#ordinals(source, space)
    return countOrdinals(this.#state, this.bitmap(source, space, run), this.#bits(space, [name]), next) === next - free
  }

  bitmap(source: string, space: string, run: Pick<OpenRun, 'run' | 'slot' | 'begin'>): Bitmap & { begin: number } {
    const width = widthOf((this.#layout[space] ?? []).length)
    return { name: `${source}/${space}/${run.slot}`, run: run.run, width, begin: run.begin }
  }

  #bitmaps(source: string, row: SourceRow, space: string): readonly (Bitmap & { begin: number })[] {
    if (this.#maps?.row !== row || this.#maps.space !== space) this.#maps = { row, space, of: this.#bitmapsOf(source, row, space) }
    return this.#maps.of
  }

  #bitmapsOf(source: string, row: SourceRow, space: string): (Bitmap & { begin: number })[] {
    const runs = row.open === null ? [] : [this.bitmap(source, space, row.open)]
    for (const name of this.#layout[space] ?? []) {
      const held = row.classes[name]?.held ?? null
      if (held !== null && runs.every((other) => other.run !== held.run)) runs.push(this.bitmap(source, space, held))
    }
    return runs
  }

  #bits(space: string, classes: readonly string[]): number {
    if (this.#asked.classes !== classes || this.#asked.space !== space) {
      const order = this.#layout[space] ?? []
      const bits = classes.reduce((sum, name) => (order.includes(name) ? sum | (1 << order.indexOf(name)) : sum), 0)
      this.#asked = { space, classes, bits }
    }
    return this.#asked.bits
  }

  #spaceOf(name: string): string {
    const space = spacesOf(this.#layout).get(name)
    if (space === undefined) throw new Error(`no space of the run ledger has the class ${name}: add it to the layout`)
    return space
  }

  #count(source: string, change: (counts: Counting) => void): void {
    if (this.#row(source).open !== null) editHot<Counting>(this.#state, 'runs', this.#countsKey(source), noCounts, change)
  }

  /** Every record asks for it, and a name made anew is hashed anew. */
  #countsKey(source: string): string {
    let key = this.#countsKeys.get(source)
    if (key === undefined) this.#countsKeys.set(source, (key = countsKey(source)))
    return key
  }

  #objectsKey(source: string): string {
    let key = this.#objectsKeys.get(source)
    if (key === undefined) this.#objectsKeys.set(source, (key = objectsKey(source)))
    return key
  }

  #ordinals(source: string, space: string): { readonly next: number; readonly free: number } {
    return getHot<Objects>(this.#state, 'runs', this.#objectsKey(source))?.spaces[space] ?? noOrdinals
  }

  #setOrdinals(source: string, space: string, next: number, free: number): void {
    this.#editObjects(source, ({ spaces: of }) => {
      of[space] = { next, free }
    })
  }

  #editObjects(source: string, change: (objects: Objects) => void): void {
    editHot<Objects>(this.#state, 'runs', this.#objectsKey(source), () => ({ holds: {}, spaces: {} }), change)
  }

  #class(source: string, name: string, change: (row: ClassRow) => ClassRow): void {
    const row = this.#row(source)
    this.#put(source, { ...row, classes: { ...row.classes, [name]: change(row.classes[name] ?? noClass) } })
  }

  #row(source: string): SourceRow {
    let row = this.#rows.get(source)
    if (row === undefined) this.#rows.set(source, (row = getHot<SourceRow>(this.#state, 'runs', source) ?? noSource))
    return row
  }

  #put(source: string, row: SourceRow): void {
    this.#rows.set(source, row)
    putHot(this.#state, 'runs', source, row)
  }
}

/** By class; computed once for each layout. */
const spaces = new WeakMap<Layout, ReadonlyMap<string, string>>()

function spacesOf(layout: Layout): ReadonlyMap<string, string> {
  let found = spaces.get(layout)
  if (found === undefined) {
    found = new Map(Object.entries(layout).flatMap(([space, names]) => names.map((name) => [name, space] as const)))
    spaces.set(layout, found)
  }
  return found
}

/** A source's name has no slash. */
const countsKey = (source: string): string => `${source}/counts`
const objectsKey = (source: string): string => `${source}/objects`
const noCounts = (): Counting => ({ received: {}, rejected: 0, changed: 0 })

const freeKey = (source: string, space: string, index: number): string => `${source}/${space}/${ordered(index)}`

/** Of the bitmaps that held runs keep, the first that none does. */
function freeSlot(row: SourceRow): number {
  const taken = new Set(Object.values(row.classes).map(({ held }) => held?.slot ?? -1))
  let slot = 0
  while (taken.has(slot)) slot++
  return slot
}

function noManifest(name: string): ClassManifest {
  const reason = `the run declared ${name} and ended without a manifest of it`
  return { class: name, verdict: 'partial', reason, place: null, read: 0, declared: null, rejected: 0, counts: [] }
}
