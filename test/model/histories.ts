import fc from 'fast-check'
import { idOf } from './records.ts'
import { flawless, type History, type How, type Step } from './history.ts'
import { anyChange, anyPut, appNames, appSettings, catalogues, changesAt, policies, sourceNames, stories } from './worlds.ts'

const source = fc.constantFrom(...sourceNames)

const how: fc.Arbitrary<How> = fc.record({
  pageSize: fc.integer({ min: 1, max: 3 }),
  spooled: fc.boolean(),
  loss: fc.constantFrom('none', 'none', 'none', 'page', 'definitions', 'record', 'unknown', 'filtered', 'abandoned'),
  at: fc.nat(3),
  rejected: fc.option(fc.nat(3), { nil: null, freq: 4 }),
})

const settle: fc.Arbitrary<Step> = fc.record({ do: fc.constant('work' as const), records: fc.constantFrom(3, 20, 100, 2_000) })
const wait: fc.Arbitrary<Step> = fc.record({ do: fc.constant('wait' as const), hours: fc.constantFrom(1, 20, 30) })

/** The source tells of something that changes, or only now of something that changed before. */
const told = anyPut.map((change): Step[] => {
  if (change.do === 'put') return [change, { do: 'tell', object: { of: change.object.of, id: idOf(change.object) } }]
  if (change.do === 'put-account') return [change, { do: 'tell', object: { of: 'account', app: change.app, id: change.value.id } }]
  return [change]
})

const changes = fc.oneof(...sourceNames.map((name) => changesAt[name]!))
/** Another source is read meanwhile, or the same one again, which abandons the first. */
const nested: fc.Arbitrary<Step> = fc.record({ do: fc.constant('run' as const), source, how, during: fc.constant<Step[]>([]) })
const one = (steps: fc.Arbitrary<Step>): fc.Arbitrary<Step[]> => steps.map((step) => [step])

/** What may happen between two pages, most of it to what is being read. */
const during = (name: string): fc.Arbitrary<Step[]> => fc
  .array(
    fc.oneof({ weight: 4, arbitrary: one(changesAt[name]!) }, one(anyChange), told, one(settle), one(wait), one(nested)),
    { maxLength: 4, size: 'max' },
  )
  .map((steps) => steps.flat())

const run: fc.Arbitrary<Step> = source.chain((name) => fc.record({ do: fc.constant('run' as const), source: fc.constant(name), how, during: during(name) }))

const rule: fc.Arbitrary<Step> = fc.record({ do: fc.constant('rule' as const), source, kind: fc.constantFrom('release' as const, 'release' as const, 'baseline' as const, 'retire' as const) })

const setting: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ app: fc.constantFrom(...appNames), catalogue: catalogues }).map(({ app, ...value }): Step => ({ do: 'setting', app, value })),
  fc.record({ app: fc.constantFrom(...appNames), state: fc.constantFrom('active' as const, 'retired' as const) }).map(({ app, ...value }): Step => ({ do: 'setting', app, value })),
  fc.record({ app: fc.constantFrom(...appNames), reread: fc.boolean() }).map(({ app, ...value }): Step => ({ do: 'setting', app, value })),
)

/** Of any share: histories are of sources that tell the truth, and one of those may be empty. */
const brakeAt = (name: string, maxAbsent: number): Step => ({ do: 'brake', source: name, brake: { maxAbsent, maxAbsentShare: 1 } })
const brake: fc.Arbitrary<Step> = fc.record({ source, maxAbsent: fc.constantFrom(0, 1) }).map(({ source: name, maxAbsent }) => brakeAt(name, maxAbsent))

/** What was read is changed and read again; more may disappear than the source's brake lets pass. */
const vanishing: fc.Arbitrary<Step[]> = source.chain((name) => fc
  .record({ gone: fc.array(changesAt[name]!, { minLength: 3, maxLength: 8 }), maxAbsent: fc.constantFrom(0, 1, 1_000, 1_000), release: fc.boolean() })
  .map(({ gone, maxAbsent, release }): Step[] => [
    { do: 'run', source: name, how: flawless, during: [] }, { do: 'work', records: 2_000 }, brakeAt(name, maxAbsent),
    ...gone, { do: 'run', source: name, how: flawless, during: [] }, { do: 'work', records: 2_000 },
    ...(release ? [{ do: 'rule', source: name, kind: 'release' } as const] : []),
  ]))

/** An application that was read is retired, and perhaps read again. */
const retiring: fc.Arbitrary<Step[]> = fc
  .record({ app: fc.constantFrom(...appNames), again: fc.boolean() })
  .map(({ app, again }): Step[] => {
    const reads: Step[] = [{ do: 'run', source: app, how: flawless, during: [] }, { do: 'work', records: 2_000 }]
    return [...reads, { do: 'setting', app, value: { state: 'retired' } }, ...(again ? [{ do: 'setting', app, value: { state: 'active' } } as const, ...reads] : [])]
  })

const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: one(run) },
      { weight: 5, arbitrary: one(anyChange) },
      { weight: 2, arbitrary: told },
      { weight: 3, arbitrary: one(settle) },
      { weight: 2, arbitrary: one(wait) },
      { weight: 1, arbitrary: one(setting) },
      { weight: 1, arbitrary: one(brake) },
      { weight: 1, arbitrary: one(rule) },
      { weight: 4, arbitrary: vanishing },
      { weight: 1, arbitrary: retiring },
    ),
    { minLength: 2, maxLength: 14, size: 'max' },
  )
  .map((parts) => parts.flat())

const flicker = (name: string): fc.Arbitrary<Step> => fc.record({ do: fc.constant('flicker' as const), change: changesAt[name]! })
const observedRun: fc.Arbitrary<Step> = source.chain((name) => fc.record({
  do: fc.constant('run' as const),
  source: fc.constant(name),
  how,
  during: fc.array(fc.oneof({ weight: 4, arbitrary: changesAt[name]! }, { weight: 4, arbitrary: flicker(name) }, { weight: 1, arbitrary: settle }), { maxLength: 4, size: 'max' }),
}))

/** Each change is told by an event, also while a run that read the object before is still to be published. */
const tail: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 3, arbitrary: changes }, { weight: 3, arbitrary: observedRun }, { weight: 1, arbitrary: fc.oneof(settle, wait) }),
  { maxLength: 6, size: 'max' },
)

const order = fc.shuffledSubarray(sourceNames, { minLength: sourceNames.length })
const seed = fc.integer({ min: 0, max: 1_000_000 })
/** A world as it comes to be before anything of it is read. */
const beginnings: fc.Arbitrary<Step[]> = fc
  .array(fc.oneof({ weight: 3, arbitrary: one(anyPut) }, { weight: 1, arbitrary: stories }), { minLength: 8, maxLength: 28, size: 'max' })
  .map((parts) => parts.flat())

const apps = fc.oneof(
  fc.record({ crm: appSettings, erp: appSettings }),
  fc.record({ crm: appSettings }),
) as fc.Arbitrary<History['apps']>

const common = { seed, dated: fc.boolean(), apps, policy: policies, order }

/** Anything that may happen; without the bias to few and small things, which seldom meet. */
export const histories: fc.Arbitrary<History> = fc.noBias(fc
  .record({ ...common, beginning: beginnings, steps, tail })
  .map(({ beginning, steps: later, ...rest }) => ({ ...rest, steps: [...beginning, ...later] })))

/**
 * A world that stands still while it is read once, completely, after reads that fail. Nothing is rejected: a run with a rejected
 * record is complete all the same, and who was rejected is missed.
 */
export const loads: fc.Arbitrary<History> = fc.noBias(fc
  .record({
    ...common,
    beginning: beginnings,
    attempts: fc.array(fc.record({ do: fc.constant('run' as const), source, how: how.map((one) => ({ ...one, rejected: null })), during: fc.array(settle, { maxLength: 3 }) }), { maxLength: 6 }),
  })
  .map(({ beginning, attempts, ...rest }) => ({ ...rest, steps: [...beginning, ...attempts], tail: [] })))
