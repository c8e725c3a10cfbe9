import { ConnectError, type Page } from '../../src/ports/connector.ts'
import type { Entry, LdapClient, Search } from './client.ts'

/** Pages without entries are no progress; this many in a row are taken for a chain without end. */
const maxEmptyPages = 100

/**
 * Pages by cookie (RFC 2696) until the server says result 0 without one. Everything else that ends an answer is a loss and throws
 * after what came was handed on: a limit of size, time or administration, a referral (unless
 * only hints are looked for), a cookie that comes again.
 */
export async function* walk(
  client: LdapClient, name: string, search: Search, pageSize: number, referrals: 'refuse' | 'ignore' = 'refuse',
): AsyncGenerator<Page & { rows: Entry[] }> {
  const cookies = new Set<string>()
  let cookie: Buffer | null = null
  let read = 0
  let empty = 0
  for (let number = 1; ; number++) {
    const place = `${name} page ${number} (entries ${read + 1}-)`
    const answer = await client.search(search, pageSize, cookie, place)
    yield { rows: answer.entries, place, total: null, start: read }
    if (answer.loss !== null) throw answer.loss
    const referral = answer.referrals[0]
    if (referral !== undefined && referrals === 'refuse') {
      throw new ConnectError('partial', `the server refers to ${serverOf(referral)} for a part of ${search.base}: read that server as an application of its own`, place)
    }
    read += answer.entries.length
    cookie = answer.cookie
    if (cookie === null) return
    empty = answer.entries.length === 0 ? empty + 1 : 0
    const spelt = cookie.toString('base64')
    if ((cookies.has(spelt) && answer.entries.length === 0) || empty > maxEmptyPages) {
      throw new ConnectError('partial', 'the chain of pages does not come to an end', place)
    }
    cookies.add(spelt)
  }
}

/** A single answer that has to be whole: of a read beside the runs, where no ledger counts. */
export async function whole(client: LdapClient, search: Search, place: string): Promise<Entry[]> {
  const { entries, referrals, loss } = await client.search(search, null, null, place)
  if (loss !== null) throw loss
  if (referrals[0] !== undefined) throw new ConnectError('partial', `the server refers to ${serverOf(referrals[0])} for a part of the answer`, place)
  return entries
}

const serverOf = (referral: string): string => URL.parse(referral)?.host ?? 'another server'
