import type { Finding, FindingKind } from '../../schemas/wire/results.ts'
import type { RecordOf } from '../../schemas/wire/topics.ts'
import { entitle } from '../../processors/entitle/entitle.ts'
import { normalise } from '../../processors/normalise/normalise.ts'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import type { Output } from '../support/processor-driver.ts'
import { accessName, contestedFacts, contestName, effectiveAccess, nameOf, openFindings } from './fold.ts'
import { flawless, type Change, type History, type How } from './history.ts'
import { judge, type ModelFinding } from './model.ts'
import { Player } from './player.ts'
import { feedOf, idOf, intentKinds, objectsOf } from './records.ts'
import { openBrake } from './settings.ts'
import type { Input, Stages } from './topology.ts'
import type { World } from './world.ts'

export const stages: Stages = { intent: entitle, raw: normalise, facts: reconcile }

/** Each check plays a history and answers what is wrong, a line each; nothing if all is well. */
export type Check = (history: History, stages: Stages) => string[]

/** What is open and what is held in the end are what the model says of the end. */
export const endsAsTheModelSays: Check = (history, stages) => {
  const player = new Player(history, { stages })
  player.play()
  return differences(player)
}

export function differences(player: Player): string[] {
  const { outputs } = player.topology
  const expected = judge(player.truth.final())
  // What lapsed and left no trace is history, which the model has none of.
  const spell = (finding: ModelFinding): string => nameOf(player.truth.steady || finding.kind !== 'expired-grant' ? finding : { ...finding, kind: 'unauthorised-grant' })
  return [
    ...difference('finding', expected.findings.map(spell), [...openFindings(outputs).values()].map(spell)),
    ...difference('access', expected.access.map(accessName), effectiveAccess(outputs).map(accessName)),
    ...difference('contest', expected.contests.map(contestName), contestedFacts(outputs).map((fact) => contestName({ ...fact, since: fact.contestedSince ?? NaN }))),
    ...contradictions([...openFindings(outputs).values()]),
    ...unexplained(player),
  ]
}

/** From an account that several claim one comes over the key book to what a feed says of each of them, or to what proved that it says nothing any more. */
function unexplained({ topology }: Player): string[] {
  return contestedFacts(topology.outputs).flatMap(({ app, account, candidates, sources }) => {
    const entries = sources.map((source) => topology.recordAt(source)).filter((record) => record?.type === 'KeyBook')
    return candidates.flatMap((id) => {
      const entry = entries.find(({ identity }) => identity === id)
      const said = entry === undefined ? [] : (entry.sources ?? [entry.cause]).map((source) => topology.recordAt(source))
      const isAbout = (record: RecordOf<Input> | undefined): boolean =>
        record?.type === 'Identity' ? record.id === id : entry?.status === 'ended' && (record?.type === 'RunEnd' || record?.type === 'Ruling')
      return said.some(isAbout) ? [] : [`${app}/${account}: nothing leads to what is said of ${id}`]
    })
  })
}

function difference(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const missing = expected.filter((name) => !found.includes(name)).map((name) => `no ${what} ${name}`)
  const surplus = found.filter((name) => !expected.includes(name)).map((name) => `unexpected ${what} ${name}`)
  return [...new Set([...missing, ...surplus])].sort()
}

/** Exactly one says whose the account is not, and what nobody answers for is not told grant by grant. */
function contradictions(open: readonly Finding[]): string[] {
  const subject = ({ app, account, home }: Finding): string => `${home} ${app}/${account}`
  const whose = open.filter(({ kind }) => ['orphaned-account', 'unowned-nhi', 'ambiguous-match'].includes(kind))
  const twice = whose.filter((one) => whose.some((other) => other !== one && subject(other) === subject(one)))
  const grants: FindingKind[] = ['unauthorised-grant', 'expired-grant', 'unmapped-entitlement']
  const alone = open.filter((one) => grants.includes(one.kind) && whose.some((other) => other.kind !== 'ambiguous-match' && subject(other) === subject(one)))
  return [...twice, ...alone].map((finding) => `${nameOf(finding)} beside another finding of whose account it is`)
}

/** What a history meets on its way: kinds of findings and how they end, matches, verdicts, reasons. */
export function happenings(history: History): string[] {
  const player = new Player(history, { stages })
  player.play()
  return player.topology.outputs.flatMap(({ record }) => {
    switch (record.type) {
      case 'Finding':
        return [record.kind, record.change, ...(record.closedAs === null ? [] : [record.closedAs])]
      case 'AccountFact':
        return [record.match, `owner ${record.ownerState}`]
      case 'AccountGone':
        return [`account ${record.reason}`]
      case 'AccessChange':
        return record.set.map(({ verdict }) => verdict)
      case 'Desired':
        return record.lapsed.map(({ why }) => why)
      default:
        return [record.type]
    }
  })
}

/** Read once more as it is, a world gives no fact, no finding and no access. */
export const unchangedIsSilent: Check = (history, stages) => {
  const player = new Player(history, { stages })
  player.play()
  return told(player, () => player.readAll([...history.order].reverse()))
}

/** What disappears from a source is not missed by runs that can't prove its absence. */
export const withoutProofIsSilent: Check = (history, stages) => {
  const player = new Player(history, { stages })
  player.play()
  return history.order.flatMap((source, n) => {
    const loss = losses[(history.seed + n) % losses.length]!
    const lines = told(player, () => {
      for (const change of disappearances(player.world, source, loss)) player.truth.apply(change)
      player.read(source, { pageSize: 1 + (history.seed % 3), spooled: n % 2 === 0, loss, at: history.seed, rejected: null })
    })
    return lines.map((line) => `${source}, ${loss}: ${line}`)
  })
}

const losses = ['page', 'definitions', 'unknown', 'filtered', 'abandoned'] as const

/** Of the classes that such a run proves nothing of, every second object goes. */
function disappearances(world: World, source: string, loss: How['loss']): Change[] {
  const kind = intentKinds.find((of) => feedOf[of] === source)
  if (kind !== undefined) return objectsOf(world, kind).map((object): Change => ({ do: 'drop', object: { of: kind, id: idOf(object) } })).filter(isEven)
  const { accounts, definitions } = world.apps[source] ?? { accounts: [], definitions: {} }
  const all = { accounts: loss !== 'definitions', definitions: loss !== 'page' }
  return [
    ...(all.accounts ? accounts : []).map(({ id }): Change => ({ do: 'drop-account', app: source, id })).filter(isEven),
    ...(all.definitions ? Object.keys(definitions) : []).map((name): Change => ({ do: 'drop-definition', app: source, name })).filter(isEven),
  ]
}

const isEven = (_: unknown, n: number): boolean => n % 2 === 0

/**
 * A source of accounts or of people that is told to hold nothing takes nobody away, however few there are, unless its brake lets every
 * share pass: that it holds is all that is told, and no longer when the source is read as it is.
 */
export const emptyRunsAreHeld: Check = (history, stages) => {
  const player = new Player(history, { stages })
  player.play()
  const { apps, identities } = player.world
  return history.order.flatMap((source) => {
    const known = source === feedOf.identity ? identities : apps[source]?.setting.state === 'retired' ? undefined : apps[source]?.accounts
    if (known === undefined) return []
    const brake = { maxAbsent: openBrake.maxAbsent, maxAbsentShare: 0.99 }
    const lines = told(player, () => {
      player.steps([{ do: 'brake', source, brake }])
      player.read(source, { ...flawless, loss: 'blind' })
    })
    const held = lines.filter((line) => line.includes('"type":"Held"')).length
    const after = told(player, () => player.read(source, flawless))
    return [
      ...[...lines, ...after].filter((line) => !/"type":"Held"|"kind":"held-absences"/u.test(line)),
      ...((held > 0) === (known.length > 0) ? [] : [`${held} partitions hold ${known.length} objects`]),
      ...[...openFindings(player.topology.outputs).values()].flatMap(({ kind }) => (kind === 'held-absences' ? ['what is there again is held still'] : [])),
    ].map((line) => `${source}: ${line}`)
  })
}

/** What facts, findings and access hear of it, a line each. */
function told(player: Player, act: () => void): string[] {
  player.settle()
  const before = player.topology.outputs.length
  act()
  player.settle()
  return player.topology.outputs.slice(before).flatMap(({ topic, record }) => {
    if (!['facts', 'findings', 'access'].includes(topic) || record.type === 'Baseline') return []
    return [`told ${JSON.stringify(record)}`]
  })
}

/**
 * While a world that stands still is loaded, a finding closes only where it goes on: its account moved to its home, and there it is
 * open in the end, or moved on.
 */
export const loadingNeverFlaps: Check = (history, stages) => {
  const player = new Player(history, { stages })
  player.play()
  const { outputs } = player.topology
  const closed = outputs.flatMap(({ record }) => (record.type === 'Finding' && record.change === 'closed' ? [record] : []))
  const known = new Set([...openFindings(outputs).keys(), ...closed.map(({ id }) => id)])
  const flapped = closed.filter(({ closedAs, successor }) => closedAs !== 'moved' || successor === null || !known.has(successor))
  return flapped.map((finding) => `opened and closed while loading: ${nameOf(finding)} (${finding.closedAs})`)
}

/** Another interleaving of the same history ends in the same, to the letter of each finding. */
export const interleavingChangesNothing: Check = (history, stages) => sameEnd(history, { ...history, seed: history.seed + 1 }, stages)

/** Loaded in another order, the same world ends in the same. */
export const loadingOrderChangesNothing: Check = (history, stages) => sameEnd(history, { ...history, order: [...history.order].reverse() }, stages)

function sameEnd(one: History, other: History, stages: Stages): string[] {
  const [first, second] = [one, other].map((history) => {
    const player = new Player(history, { stages })
    player.play()
    return player.topology.outputs
  }) as [Output[], Output[]]
  const open = (outputs: Output[]): string[] => [...openFindings(outputs).values()].map((finding) => `${nameOf(finding)} ${finding.severity}: ${finding.detail}`)
  return [
    ...difference('finding', open(first), open(second)),
    ...difference('access', effectiveAccess(first).map(accessName), effectiveAccess(second).map(accessName)),
  ]
}

/** A new processor instance after every record and slice gives the same outputs. */
export const reloadingChangesNothing: Check = (history, stages) => {
  const [plain, reloaded] = [false, true].map((reload) => {
    const player = new Player(history, { stages, reload })
    player.play()
    return player.topology.outputs.map((output) => JSON.stringify(output))
  }) as [string[], string[]]
  const longest = plain.length > reloaded.length ? plain : reloaded
  return longest.flatMap((_, n) => (plain[n] === reloaded[n] ? [] : [`${plain[n] ?? 'nothing'} became ${reloaded[n] ?? 'nothing'}`])).slice(0, 3)
}
