import { ConnectError, type Page } from '../../src/ports/connector.ts'
import { idOf } from './attributes.ts'
import { ScimError } from './client.ts'
import { unseen, type Walk } from './paging.ts'

/** A chain of pages without rows is no progress; this many in a row are taken for an endless one. */
const maxEmptyPages = 100

/**
 * Pages by cursor (RFC 9865) until a page names no next one. That alone is not believed: a chain that ended with fewer rows than
 * the smallest total the server gave meanwhile has lost some, and throws `partial`. A cursor that expired restarts the chain once;
 * rows that were read before come only once.
 */
export async function* walkByCursor(of: Walk): AsyncGenerator<Page> {
  const read = new Set<string>()
  let restarted = false
  for (;;) {
    try {
      yield* chain(of, read, restarted)
      return
    } catch (error) {
      if (!(error instanceof ScimError) || error.scimType !== 'expiredCursor' || restarted) throw error
      restarted = true
    }
  }
}

async function* chain({ client, name, path, query, pageSize }: Walk, read: Set<string>, again: boolean): AsyncGenerator<Page> {
  const inChain = new Set<string>()
  const cursors = new Set<string>()
  let withoutId = 0
  let smallestTotal = Infinity
  let empty = 0
  let cursor = ''
  for (let number = 1; ; number++) {
    const place = `${name} page ${number} (by cursor${again ? ', second attempt' : ''})`
    const list = await client.list(path, { ...query, cursor, count: pageSize }, place)
    smallestTotal = Math.min(smallestTotal, list.total ?? Infinity)
    const fresh = unseen(list.rows, inChain)
    withoutId += fresh.filter((row) => idOf(row) === null).length
    yield { rows: unseen(fresh, read), place, total: list.total, start: null }
    if (list.rows.length > 0 && fresh.length === 0) {
      throw new ConnectError('partial', 'the next cursor gave the same rows again; set paging to index', place)
    }
    if (list.nextCursor === null) {
      const got = inChain.size + withoutId
      if (got >= smallestTotal || smallestTotal === Infinity) return
      throw new ConnectError('partial', `the chain of cursors ended after ${got} of ${smallestTotal} rows; set paging to auto or index`, place)
    }
    empty = list.rows.length === 0 ? empty + 1 : 0
    if (cursors.has(list.nextCursor) || empty > maxEmptyPages) {
      throw new ConnectError('partial', 'the chain of cursors does not come to an end', place)
    }
    cursors.add(list.nextCursor)
    cursor = list.nextCursor
  }
}
