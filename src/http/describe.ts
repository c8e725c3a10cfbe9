import type { Operation } from '../../schemas/wire/operations.ts'
import type { AnyRecord } from '../../schemas/wire/topics.ts'

/** One line for people about a record: what it says, not where it stands. */
export function describeRecord(record: AnyRecord): string {
  switch (record.type) {
    case 'Account':
      if (record.gone) return `${record.app} has no account ${record.native} any more (read singly, ${stampText(record.observed)})`
      return `${record.app} account ${record.native} was read ${stampText(record.observed)}${record.run === null ? '' : ` in run ${record.run}`}: ${facets(record)}`
    case 'Definition':
      return `${record.app} ${record.ref.kind} ${record.ref.id}${record.removed ? ' was removed' : ` gives ${record.children.map(({ kind, id }) => `${kind} ${id}`).join(', ') || 'nothing'}`}`
    case 'AccountFact':
      return `${record.app} account ${record.account} (${record.kind}, ${record.status}) is ${record.match}${record.identity === null ? '' : ` to ${record.identity}`}${claims(record)} and holds ${record.grants.length} entitlements${record.exposed === null ? '' : `, with what looks like a secret in ${record.exposed.join(', ')}`}`
    case 'AccountGone':
      return `${record.app} account ${record.account} ${record.reason === 'moved' ? `moved to ${record.to ?? 'nobody'}` : `was ${record.reason}`}`
    case 'Reference':
      return `${record.home} is ${record.removed ? 'no longer ' : ''}accountable for ${record.app} ${record.account}`
    case 'Desired':
      return `${record.identity} is ${record.status} and should have ${record.entries.length} entitlements${record.lapsed.length > 0 ? ` (${record.lapsed.length} lapsed)` : ''}`
    case 'Identity':
      return `identity ${record.id} is ${record.removed ? 'removed' : record.status} in feed ${record.feed}${record.end === null ? '' : `, over from ${momentText(record.end)} on`}`
    case 'BusinessRole':
      return `business role ${record.id} (${record.name}) stands for ${record.grants.length} entitlements`
    case 'RoleAssignment':
      return `${record.identity} has business role ${record.role} from ${momentText(record.from)}${until(record.until)}`
    case 'AccessRequest':
      return `request ${record.id}: ${subject(record.subject)} may have ${record.app} ${record.entitlement} from ${momentText(record.from)}${until(record.until)}, approved by ${record.approvedBy}`
    case 'Decision':
      return `decision ${record.id} in campaign ${record.campaign}: ${record.verdict} ${record.app} ${record.entitlement} of ${subject(record.subject)}, by ${record.by} on ${momentText(record.at)}`
    case 'AccountLink':
      return `${record.identity} is linked as ${record.relation} of ${record.app} ${record.account}`
    case 'AccountIntent':
      return `of ${record.app} account ${record.id} governance says: ${accountIntent(record)}`
    case 'KeyBook':
      return `${record.identity} (${record.status}) claims ${record.keys.map(({ space, key }) => `${space} ${key}`).join(', ') || 'no keys'}`
    case 'Setting':
      return `setting ${record.name}, revision ${record.revision}`
    case 'Tick':
      return `time became ${new Date(record.at).toISOString()}`
    case 'RunBegin':
      return `run ${record.run} of ${record.source} began`
    case 'RunEnd':
      return `run ${record.run} of ${record.source} ended: ${record.classes.map((item) => `${item.class} ${item.verdict}`).join(', ')}`
    case 'Baseline':
      return `${record.source} (${record.class}) has had its baseline in partition ${record.writer}`
    case 'Written':
      return record.seen === null ? `${record.app} account ${record.id} was being written to until ${stampText(record.until)}` : `read back: ${describeRecord(record.seen)}`
    case 'Proposal':
      return record.change === 'closed' ? `the finding closed${record.observed === null ? '' : `, as observed ${new Date(record.observed).toISOString()}`}` : `proposed: ${record.obstacle ?? record.operations.map(operationText).join(', ')}`
    case 'ActionDecision':
      return `${record.by} decided: ${record.decision} (${record.why})`
    case 'Command':
      return record.write === null ? `${record.app} was asked to ${record.kind} ${record.account ?? ''}` : `${record.app} was asked to ${record.write.operations.map(operationText).join(', ')} (attempt ${record.write.attempt})`
    case 'WriteResult':
      return `${record.app} was written: ${record.verdict}${record.reason === null ? '' : ` (${record.reason})`}; ${record.steps.map(({ step, outcome }) => `${step} ${outcome}`).join(', ')}`
    case 'Held':
      return `${record.absent} absences of ${record.source} (${record.class}) are ${record.held ? 'held' : 'no longer held'}`
    default:
      return record.type
  }
}

const operationText = ({ name, account, ref, credential }: Operation): string => [name, account, ref === null ? null : `${ref.kind} ${ref.id}`, credential].filter((part) => part !== null).join(' ')
/** The date alone where it is the day's beginning, UTC. */
const momentText = (ms: number): string => new Date(ms).toISOString().replace(/T00:00:00\.000Z$/, '')
const stampText = (stamp: number): string => new Date(Math.floor(stamp / 1_000)).toISOString()
const until = (ms: number | null): string => (ms === null ? '' : ` until ${momentText(ms)}`)
const subject = (of: { identity: string | null; app: string | null; account: string | null }): string => of.identity ?? `${of.app ?? '?'} account ${of.account ?? '?'}`

function facets(record: Extract<AnyRecord, { type: 'Account' }>): string {
  const parts = [
    record.attributes && `${record.attributes.kind}, ${record.attributes.status}`,
    record.memberships && `${record.memberships.added.length} memberships`,
    record.grants && `${record.grants.added.length} direct grants`,
    record.credentials && `${record.credentials.added.length} credentials`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}

function claims({ ownerState, candidates, contestedSince }: Extract<AnyRecord, { type: 'AccountFact' }>): string {
  if (candidates.length === 0) return ''
  const since = contestedSince === null ? '' : ` since ${momentText(contestedSince)}`
  return ` (${ownerState === 'contested' ? 'its owner ' : ''}claimed by ${candidates.join(', ')}${since})`
}

function accountIntent({ link, owner, entries, lapsed, revoked }: Extract<AnyRecord, { type: 'AccountIntent' }>): string {
  const parts = [
    link === null ? null : `it is ${link}'s`,
    owner === null ? null : `${owner} is accountable for it`,
    entries.length === 0 ? null : `it may have ${entries.map(({ entitlement }) => entitlement).join(', ')}`,
    lapsed.length === 0 ? null : `no longer ${lapsed.map(({ entitlement }) => entitlement).join(', ')}`,
    (revoked ?? []).length === 0 ? null : `revoked are ${revoked!.map(({ entitlement }) => entitlement).join(', ')}`,
  ]
  return parts.filter((part) => part !== null).join('; ') || 'nothing'
}
