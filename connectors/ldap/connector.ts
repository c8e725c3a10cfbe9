import { ConnectError, MappingError, type ConnectorSession, type ConnectorType, type Page, type Stream } from '../../src/ports/connector.ts'
import { measureChanges, readChanges } from './changes.ts'
import { openClient, type LdapClient } from './client.ts'
import { LdapConfig, type Accounts, type Groups } from './config.ts'
import { accountAttributes, entryOf, mapAccount, mapGroup, mapMembers, membersOf, type MembersRow } from './map.ts'
import { readAccount } from './read-one.ts'
import { walk } from './walk.ts'
import { writeSide } from './write.ts'

/** A directory: accounts by subtree, groups whose members are accounts and groups. */
export const connector: ConnectorType<LdapConfig> = {
  kind: 'ldap',
  summary: 'accounts and nested groups of an LDAP directory (OpenLDAP and its kin), by paged results',
  config: LdapConfig,
  async open(config, platform): Promise<ConnectorSession> {
    const client = await openClient(config, platform)
    try {
      const tellsChanges = config.changes === 'auto' && (await measureChanges(client, config))
      const groups = config.groups === null ? [] : groupStreams(client, config, config.groups)
      return {
        streams: [...groups, ...config.accounts.map((section) => accountStream(client, config, section))],
        readOne: (nativeId) => readAccount(client, config, nativeId),
        ...(tellsChanges && { changes: (cursor: string | null) => readChanges(client, config, cursor, Date.now()) }),
        write: writeSide(config, platform),
        close: () => client.close(),
      }
    } catch (error) {
      await client.close()
      throw error
    }
  },
}

function accountStream(client: LdapClient, config: LdapConfig, section: Accounts): Stream {
  const search = { base: section.base, scope: 'sub', filter: section.filter, attributes: accountAttributes(config, section) } as const
  return {
    name: section.name,
    classes: config.passwords ? ['accounts', 'credentials'] : ['accounts'],
    proof: 'cursor',
    pages: () => walk(client, section.name, search, config.pageSize),
    map: (row) => mapAccount(config, section, row),
  }
}

/**
 * Groups are walked twice: a member’s name alone does not say whether it is a group, so all groups are known before any member is
 * read.
 */
function groupStreams(client: LdapClient, config: LdapConfig, groups: Groups): Stream[] {
  const known = new Set<string>()
  let allKnown = false
  const search = { base: groups.base, scope: 'sub', filter: groups.filter } as const
  async function* definitions(): AsyncGenerator<Page> {
    known.clear()
    allKnown = false
    for await (const page of walk(client, 'groups', { ...search, attributes: [groups.name] }, config.pageSize)) {
      for (const row of page.rows) known.add(entryOf(row).dn)
      yield page
    }
    allKnown = true
  }
  async function* members(): AsyncGenerator<Page> {
    // Where the first walk was given up or cut, this one has to make up for it or fail as it did.
    if (!allKnown) for await (const _ of definitions());
    let hole: ConnectError | null = null
    for await (const page of walk(client, 'members of groups', { ...search, attributes: [groups.member] }, config.pageSize)) {
      const rows: MembersRow[] = []
      for (const entry of page.rows) {
        try {
          const { group, members: all } = membersOf(groups, entry)
          if (!known.has(group)) hole ??= new ConnectError('partial', `group ${group} appeared while the groups were read`, page.place)
          rows.push({ group, members: all.filter((dn) => !known.has(dn)), inner: all.filter((dn) => known.has(dn)) })
        } catch (error) {
          if (!(error instanceof MappingError)) throw error
          hole ??= new ConnectError('partial', `the members of ${entry.dn} are not known: ${error.message}`, page.place)
        }
      }
      yield { ...page, rows, start: null }
    }
    if (hole !== null) throw hole
  }
  return [
    { name: 'groups', classes: ['definitions'], proof: 'cursor', pages: definitions, map: (row) => mapGroup(groups, row) },
    { name: 'members of groups', classes: ['definitions', 'memberships'], proof: 'cursor', pages: members, map: mapMembers },
  ]
}
