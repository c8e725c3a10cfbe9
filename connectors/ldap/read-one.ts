import { escapeFilter } from 'ldapts'
import { unprovenAbsence } from '../../src/connect/unproven-absence.ts'
import { ConnectError, type Mapped } from '../../src/ports/connector.ts'
import type { Entry, LdapClient } from './client.ts'
import type { Accounts, LdapConfig } from './config.ts'
import { canonicalDn, isUnder } from './dn.ts'
import { accountAttributes, entryOf, mapAccount } from './map.ts'
import { whole } from './walk.ts'

/**
 * All pieces of one account; null where the server has no such entry and, asked the same way, finds another account that it
 * lists. Without such a control the absence is not proven, and this throws.
 */
export async function readAccount(client: LdapClient, config: LdapConfig, nativeId: string): Promise<Mapped[] | null> {
  const place = `account ${nativeId}`
  const dn = canonicalDn(nativeId)
  const sections = config.accounts.filter((section) => dn !== null && dn !== section.base && isUnder(dn, section.base))
  if (dn !== null) {
    for (const section of sections) {
      const entry = await entryAt(client, config, section, dn, place)
      if (entry !== null) return [...mapAccount(config, section, entry), ...(await memberships(client, config, dn, place))]
    }
  }
  for (const section of sections.length > 0 ? sections : config.accounts) {
    if (await controlFound(client, config, section, dn, place)) return null
  }
  throw unprovenAbsence(place)
}

async function entryAt(client: LdapClient, config: LdapConfig, section: Accounts, dn: string, place: string): Promise<Entry | null> {
  const search = { base: dn, scope: 'base', filter: section.filter, attributes: accountAttributes(config, section) } as const
  try {
    return (await whole(client, search, place))[0] ?? null
  } catch (error) {
    if (error instanceof ConnectError && error.class === 'not-found') return null
    throw error
  }
}

async function controlFound(client: LdapClient, config: LdapConfig, section: Accounts, dn: string | null, place: string): Promise<boolean> {
  const listed = await client.some({ base: section.base, scope: 'sub', filter: section.filter, attributes: ['1.1'] }, 2, `${place}, control`)
  const control = listed.map((entry) => entryOf(entry).dn).find((found) => found !== dn)
  return control !== undefined && (await entryAt(client, config, section, control, `${place}, control ${control}`)) !== null
}

async function memberships(client: LdapClient, { groups }: LdapConfig, dn: string, place: string): Promise<Mapped[]> {
  if (groups === null) return []
  const filter = `(&${groups.filter}${memberFilter(groups.member, dn)})`
  const found = await whole(client, { base: groups.base, scope: 'sub', filter, attributes: ['1.1'] }, `${place}, its groups`)
  return found.map((entry) => ({ piece: 'membership', account: dn, ref: { kind: 'group', id: entryOf(entry).dn }, valid: null }))
}

export const memberFilter = (attribute: string, dn: string): string => `(${attribute}${escapeFilter`=${dn}`})`
