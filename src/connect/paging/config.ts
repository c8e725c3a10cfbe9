import { z } from 'zod'
import { byAddress, byCursor } from './by-chain.ts'
import { byKey } from './by-key.ts'
import { byPageNumber } from './by-page-number.ts'
import { byPosition } from './by-position.ts'
import type { Strategy } from './endpoint.ts'
import { once } from './once.ts'

const parameter = (name: string) => z.string().min(1).default(name).describe('name of the query parameter')
const count = z.string().min(1).nullable().default('limit').describe('parameter for the page size; null where the source takes none')

/** How a list is paged, as a config file says it. */
export const Paging = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('offset'), start: parameter('offset'), count }),
  z.strictObject({ by: z.literal('index'), start: parameter('startIndex'), count: count.default('count') }).describe('rows are counted from 1'),
  z.strictObject({
    by: z.literal('page'),
    page: parameter('page'),
    count: count.default('per_page'),
    first: z.literal([0, 1]).default(1).describe('number of the first page'),
    recheck: z.boolean().default(true).describe('ask for each page again after the next: without it absence is never proven'),
  }),
  z.strictObject({ by: z.literal('cursor'), cursor: parameter('cursor'), count, first: z.string().nullable().default(null).describe('cursor of the first page; null leaves it out') }),
  z.strictObject({ by: z.literal('link'), count }).describe('Link header with rel="next" (RFC 8288)'),
  z.strictObject({ by: z.literal('url'), count }).describe('the body holds the next page’s address'),
  z.strictObject({
    by: z.literal('key'),
    after: parameter('after'),
    count,
    first: z.string().nullable().default(null),
    order: z.enum(['number', 'text', 'opaque']).default('opaque').describe('how the source orders keys, so that it can be checked'),
  }),
  z.strictObject({ by: z.literal('once'), whole: z.boolean().default(false).describe('the application is known never to cut the answer') }),
])
export type Paging = z.infer<typeof Paging>

/** `keyOf`: for paging by key, the key of a row. */
export function strategyOf(paging: Paging, keyOf: (row: unknown) => string | null): Strategy {
  switch (paging.by) {
    case 'offset':
      return byPosition({ ...paging, base: 0 })
    case 'index':
      return byPosition({ ...paging, base: 1 })
    case 'page':
      return byPageNumber(paging)
    case 'cursor':
      return byCursor(paging)
    case 'link':
    case 'url':
      return byAddress(paging.count)
    case 'key':
      return byKey({ ...paging, keyOf })
    case 'once':
      return once(paging.whole)
  }
}
