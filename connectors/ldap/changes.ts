import { cursorText, parseCursor } from '../../src/connect/since-cursor.ts'
import { ConnectError, MappingError } from '../../src/ports/connector.ts'
import type { Entry, LdapClient } from './client.ts'
import type { LdapConfig } from './config.ts'
import { entryOf, membersOf, timeOf, valuesOf } from './map.ts'
import { walk } from './walk.ts'

/** A change of a group larger than this is left to the next snapshot: hints must not become one of their own. */
const maxHintedMembers = 500

/** Errors that say that this filter can't be had here; others are told. */
const unanswered = new Set(['schema', 'not-found', 'partial'])
const stamps = ['modifyTimestamp', 'entryCSN']
const modifiedSince = (ms: number): string => `(modifyTimestamp>=${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')})`

/** Whether the filter by time was seen to take some, and to take none. */
export async function measureChanges(client: LdapClient, config: LdapConfig): Promise<boolean> {
  const section = config.accounts[0]
  if (section === undefined) return false
  const ask = async (filter: string): Promise<number> => {
    const search = { base: section.base, scope: 'sub', filter: `(&${section.filter}${filter})`, attributes: ['1.1'] } as const
    return (await client.some(search, 1, `${section.name}, measuring the filter on modifyTimestamp`)).length
  }
  try {
    return (await ask(modifiedSince(0))) > 0 && (await ask(modifiedSince(Date.now() + 10 * 365 * 86_400_000))) === 0
  } catch (error) {
    if (error instanceof ConnectError && unanswered.has(error.class)) return false
    throw error
  }
}

/**
 * Accounts modified since the cursor, and who is in a group that was. Hints, not proof: who left a group and what was deleted is
 * seen by the next snapshot. The cursor never passes `nowMs` minus the visibility lag, and holds what was told since then.
 */
export async function readChanges(
  client: LdapClient, config: LdapConfig, text: string | null, nowMs: number,
): Promise<{ accounts: string[]; cursor: string }> {
  const horizon = nowMs - config.visibilityLagMs
  if (text === null) {
    const seen = new Map<string, number>()
    for await (const entry of modified(client, config, horizon)) seen.set(...versionOf(entry))
    return { accounts: [], cursor: cursorOf(horizon, seen) }
  }
  const cursor = parseCursor(text)
  const told = new Set(cursor.seen)
  const versions = new Map<string, number>()
  const accounts = new Set<string>()
  for await (const entry of modified(client, config, cursor.since)) {
    const [version, at] = versionOf(entry)
    versions.set(version, at)
    if (told.has(version)) continue
    for (const account of concernedBy(config, entry)) accounts.add(account)
  }
  return { accounts: [...accounts], cursor: cursorOf(Math.max(cursor.since, horizon), versions) }
}

/** One second of the directory’s clock is one value: what falls into the second of the cursor is asked for again. */
function cursorOf(since: number, versions: ReadonlyMap<string, number>): string {
  const second = Math.floor(since / 1000) * 1000
  const seen = [...versions].flatMap(([version, at]) => (at >= second ? [version] : []))
  return cursorText({ since: second, seen })
}

interface Modified {
  entry: Entry
  /** of a group; null for an account */
  group: boolean
}

async function* modified(client: LdapClient, config: LdapConfig, since: number): AsyncGenerator<Modified> {
  const { groups } = config
  for (const { name, base, filter } of config.accounts) {
    const search = { base, scope: 'sub', filter: `(&${filter}${modifiedSince(since)})`, attributes: stamps } as const
    for await (const page of walk(client, `changed ${name}`, search, config.pageSize, 'ignore')) for (const entry of page.rows) yield { entry, group: false }
  }
  if (groups === null) return
  const search = { base: groups.base, scope: 'sub', filter: `(&${groups.filter}${modifiedSince(since)})`, attributes: [...stamps, groups.member] } as const
  for await (const page of walk(client, 'changed groups', search, config.pageSize, 'ignore')) for (const entry of page.rows) yield { entry, group: true }
}

function concernedBy({ groups }: LdapConfig, { entry, group }: Modified): string[] {
  if (!group) return [entryOf(entry).dn]
  if (groups === null) return []
  try {
    const { members } = membersOf(groups, entry)
    return members.length <= maxHintedMembers ? members : []
  } catch (error) {
    if (error instanceof MappingError) return []
    throw error
  }
}

function versionOf({ entry }: Modified): [version: string, at: number] {
  const at = valuesOf(entry, 'modifyTimestamp')[0] ?? null
  return [`${entry.dn}@${valuesOf(entry, 'entryCSN')[0] ?? at}`, timeOf(at, 'modifyTimestamp', entry.dn) ?? 0]
}
