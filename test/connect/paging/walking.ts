import { z } from 'zod'
import { type Answer, type Endpoint, ExpiredCursor } from '../../../src/connect/paging/endpoint.ts'
import { absolute, nextLink } from '../../../src/connect/paging/link.ts'
import { type Paging, Paging as PagingConfig, strategyOf } from '../../../src/connect/paging/config.ts'
import { ConnectError, type Page, type Stream } from '../../../src/ports/connector.ts'
import type { ListRow, PagedServer } from '../../support/paged-server.ts'

const Body = z.object({ items: z.array(z.unknown()), total: z.int().optional(), start: z.int().optional(), next: z.string().nullish() })

export const idOf = (row: unknown): string | null => (row as ListRow | undefined)?.id ?? null

type IdOf = Endpoint['idOf']

/** The list of a paged server as a connector would offer it. */
export function endpointOf(server: PagedServer, paging: Paging, pageSize: number, named: IdOf = idOf): Endpoint {
  return {
    name: 'users',
    pageSize,
    idOf: named,
    async ask({ parameters, url }, place): Promise<Answer> {
      const query = new URLSearchParams({ ...parameters, ...(paging.by === 'url' && { address: '' }), ...(paging.by === 'once' && { all: '' }) })
      const address = url ?? `${server.origin}/users?${query.toString()}`
      const response = await fetch(paging.by === 'url' && url !== null ? `${url}&address=` : address)
      if (response.status === 410) throw new ExpiredCursor(place)
      if (response.status === 404) throw new ConnectError('not-found', 'no such page', place)
      if (response.status !== 200) throw new ConnectError('transient', `answered ${response.status}`, place)
      const { items, total, start, next } = Body.parse(await response.json())
      const link = nextLink(response.headers.get('link') ?? undefined, address)
      return {
        rows: items, total: total ?? null, start: start ?? null,
        next: paging.by === 'link' ? link : paging.by === 'url' ? absolute(next ?? null, address) : (next ?? null),
      }
    },
  }
}

export function streamOf(server: PagedServer, config: z.input<typeof PagingConfig>, pageSize: number, named: IdOf = idOf): Stream {
  const paging = PagingConfig.parse(config)
  const strategy = strategyOf(paging, idOf)
  return {
    name: 'users',
    classes: ['accounts'],
    proof: strategy.proof,
    pages: (from) => strategy.walk(endpointOf(server, paging, pageSize, named), from ?? null),
    map: (row) => {
      const { id, name } = row as ListRow
      return [{ piece: 'account', id, valid: null, attributes: { kind: 'human', status: 'active', display: name, created: null, lastUsed: null, owner: null, values: {} } }]
    },
  }
}

export async function pagesOf(stream: Stream, from?: string): Promise<{ pages: Page[]; ids: string[]; error: ConnectError | null }> {
  const pages: Page[] = []
  let error: ConnectError | null = null
  try {
    for await (const page of stream.pages(from)) pages.push(page)
  } catch (thrown) {
    if (!(thrown instanceof ConnectError)) throw thrown
    error = thrown
  }
  return { pages, error, ids: pages.flatMap(({ rows }) => rows.map((row) => idOf(row) ?? '?')) }
}
