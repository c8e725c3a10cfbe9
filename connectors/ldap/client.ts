import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Client, FilterParser, PagedResultsControl, SearchRequest, type Change, type Control, type SearchResponse } from 'ldapts'
import { ConnectError, type Platform } from '../../src/ports/connector.ts'
import type { LdapConfig } from './config.ts'
import { ldapError, resultError } from './errors.ts'

/** An entry as the server spells it; values as text, in the server's order. Attribute names in lower case. */
export interface Entry {
  dn: string
  attributes: Readonly<Record<string, readonly string[]>>
}

export interface Search {
  base: string
  scope: 'base' | 'sub'
  filter: string
  attributes: readonly string[]
}

interface Answer {
  entries: Entry[]
  /** where the server points to for the rest of the tree */
  referrals: string[]
  /** null: the server says that nothing follows */
  cookie: Buffer | null
  /** why the entries are not all, though some came */
  loss: ConnectError | null
}

/** One bound connection. A call after it broke throws: reconnecting unseen would go on as nobody, who may see less. */
export interface LdapClient {
  /** Result 0 and no cookie is the server's word that this was all. `pageSize` null asks without paging. */
  search(search: Search, pageSize: number | null, cookie: Buffer | null, place: string): Promise<Answer>
  /** At most `limit` entries; that there are more is no error. */
  some(search: Search, limit: number, place: string): Promise<Entry[]>
  add(dn: string, attributes: Record<string, string[]>): Promise<void>
  modify(dn: string, changes: Change[]): Promise<void>
  delete(dn: string): Promise<void>
  /** Cuts the connection: what is under way fails. */
  cut(): void
  close(): Promise<void>
}

/**
 * What ldapts keeps to itself. Its own paging drops the entries that came with a limit's result, and takes a page without entries
 * for the last one whatever the server's cookie says; the single response tells all of it.
 */
interface Sender {
  _nextMessageId(): number
  _send(request: SearchRequest): Promise<SearchResponse | undefined>
}

const maxTimeLimitSeconds = 2 ** 31 - 1

/** Connects and binds. Throws ConnectError. */
export async function openClient(config: LdapConfig, platform: Platform): Promise<LdapClient> {
  const password = await platform.secret(config.password)
  const tls = {
    ...(config.caFile !== null && { ca: readCa(resolve(platform.baseDir, config.caFile), config.url) }),
    ...(config.serverName !== null && { servername: config.serverName }),
  }
  // ldapts speaks TLS from the first byte as soon as it has options for it, whatever the URL says.
  const secure = config.url.startsWith('ldaps:') ? { tlsOptions: tls } : {}
  const client = new Client({ url: config.url, timeout: config.timeoutMs, connectTimeout: Math.min(config.timeoutMs, 10_000), ...secure })
  // a connection that is cut before it stands is never heard of again
  const cutOff = Promise.withResolvers<never>()
  cutOff.promise.catch(() => undefined)
  const stop = (): void => {
    cut(client)
    cutOff.reject(new ConnectError('transient', 'LDAP: the connection was given up', config.url))
  }
  platform.signal.addEventListener('abort', stop)
  const begin = async (): Promise<void> => {
    if (config.startTls) await client.startTLS({ ...tls, host: config.serverName ?? new URL(config.url).hostname })
    await client.bind(config.bindDn, password)
  }
  try {
    await platform.paced(() => Promise.race([begin(), cutOff.promise]))
  } catch (error) {
    cut(client)
    platform.signal.removeEventListener('abort', stop)
    throw ldapError(error, config.url)
  }
  const guard = <T>(place: string, work: () => Promise<T>): Promise<T> =>
    platform.paced(async () => {
      if (!client.isBound) throw new ConnectError('transient', 'LDAP: the connection was lost', place)
      return await work()
    })
  return {
    search: (search, pageSize, cookie, place) => guard(place, () => searchOnce(client, config, search, pageSize, cookie, place)),
    some: (search, limit, place) => guard(place, () => firstOf(client, config, search, limit, place)),
    add: (dn, attributes) => guard(dn, () => client.add(dn, attributes)),
    modify: (dn, changes) => guard(dn, () => client.modify(dn, changes)),
    delete: (dn) => guard(dn, () => client.del(dn)),
    cut: stop,
    async close() {
      platform.signal.removeEventListener('abort', stop)
      await client.unbind().catch(() => undefined)
    },
  }
}

async function searchOnce(
  client: Client, config: LdapConfig, search: Search, pageSize: number | null, cookie: Buffer | null, place: string,
): Promise<Answer> {
  const paging = pageSize === null ? [] : [new PagedResultsControl({ value: { size: pageSize, ...(cookie !== null && { cookie }) } })]
  const response = await send(client, config, search, 0, paging, place)
  const answer = {
    entries: response.searchEntries.map(({ name, attributes }) => entryOf(name, attributes)),
    referrals: response.searchReferences.flatMap(({ uris }) => uris),
  }
  if (response.status !== 0) return { ...answer, cookie: null, loss: resultError(response.status, response.errorMessage, place) }
  const next = response.controls?.find((control): control is PagedResultsControl => control instanceof PagedResultsControl)?.value?.cookie
  return { ...answer, cookie: next === undefined || next.length === 0 ? null : next, loss: null }
}

async function firstOf(client: Client, config: LdapConfig, search: Search, limit: number, place: string): Promise<Entry[]> {
  const response = await send(client, config, search, limit, [], place)
  const sizeLimitExceeded = 4
  if (response.status !== 0 && response.status !== sizeLimitExceeded) throw resultError(response.status, response.errorMessage, place)
  return response.searchEntries.map(({ name, attributes }) => entryOf(name, attributes))
}

async function send(client: Client, config: LdapConfig, search: Search, sizeLimit: number, controls: Control[], place: string): Promise<SearchResponse> {
  const sender = client as unknown as Sender
  try {
    const response = await sender._send(new SearchRequest({
      messageId: sender._nextMessageId(),
      baseDN: search.base,
      scope: search.scope,
      filter: FilterParser.parseString(search.filter),
      attributes: [...search.attributes],
      sizeLimit,
      timeLimit: Math.min(Math.ceil(config.timeoutMs / 1000), maxTimeLimitSeconds),
      controls,
    }))
    if (response === undefined) throw new ConnectError('transient', 'LDAP: no answer', place)
    return response
  } catch (error) {
    throw ldapError(error, place)
  }
}

function entryOf(dn: string, attributes: readonly { type: string; values: Buffer[] | string[] }[]): Entry {
  return { dn, attributes: Object.fromEntries(attributes.map(({ type, values }) => [type.toLowerCase(), values.map(String)])) }
}

function readCa(file: string, place: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConnectError('configuration', `caFile ${file} can't be read`, place, { cause: error })
  }
}

/** unbind also ends the socket at once, whatever waits on it; its own outcome is of no interest here. */
function cut(client: Client): void {
  void client.unbind().catch(() => undefined)
}
