import { z } from 'zod'
import { pathSegment } from '../../src/connect/address.ts'
import { ConnectError, type ErrorClass, type HttpClient, type HttpRequest } from '../../src/ports/connector.ts'

const ListResponse = z.looseObject({
  totalResults: z.int().min(0).nullish(),
  startIndex: z.int().nullish(),
  nextCursor: z.string().nullish(),
  Resources: z.array(z.unknown()).nullish(),
})
const ErrorBody = z.looseObject({
  schemas: z.array(z.string()),
  status: z.union([z.string(), z.number()]).optional(),
  scimType: z.string().optional(),
  detail: z.string().optional(),
})

interface List {
  rows: readonly unknown[]
  total: number | null
  /** 1-based, as the server says it; null where it says nothing */
  startIndex: number | null
  nextCursor: string | null
  /** Date header of the response, ms; null where there is none */
  date: number | null
}

export type Query = Readonly<Record<string, string | number>>

/** An error that the server told in SCIM's own words. */
export class ScimError extends ConnectError {
  override name = 'ScimError'
  readonly scimType: string | null
  constructor(errorClass: ErrorClass, message: string, place: string, scimType: string | null) {
    super(errorClass, message, place)
    this.scimType = scimType
  }
}

/** Reads of one SCIM service. A response is what its body says, not what its status claims. Every error is a ConnectError. */
export interface ScimClient {
  list(path: string, query: Query, place: string): Promise<List>
  /** Null where the server answers that there is no such resource. */
  resource(path: string, id: string, place: string): Promise<unknown>
  /** The resource as it is now, with the version to hold a change against; null where there is none. */
  versioned(path: string, id: string, place: string): Promise<{ resource: unknown; etag: string | null } | null>
  /** Changes a resource, only as of `etag` where one is known. */
  patch(path: string, id: string, etag: string | null, operation: PatchOperation, place: string): Promise<void>
  create(path: string, resource: object, place: string): Promise<void>
  /** False where there was none. */
  remove(path: string, id: string, place: string): Promise<boolean>
}

/** RFC 7644, 3.5.2 */
export interface PatchOperation {
  op: 'add' | 'remove' | 'replace'
  path: string
  value?: unknown
}

const scimJson = { 'content-type': 'application/scim+json' }

export function scimClient(http: HttpClient, baseUrl: string, token: string | null): ScimClient {
  const headers = { accept: 'application/scim+json, application/json', ...(token !== null && { authorization: `Bearer ${token}` }) }
  const get = async (url: string, place: string) => {
    const response = await http.request({ method: 'GET', url, headers })
    return { body: readBody(response.status, response.body, place), date: dateOf(response.headers['date']), etag: response.headers['etag'] ?? null }
  }
  const change = async (request: Omit<HttpRequest, 'url'>, path: string, place: string): Promise<void> => {
    const url = `${baseUrl}${path}`
    const { status, body } = await http.request({ ...request, url, headers: { ...headers, ...request.headers } })
    if (status !== 204) readBody(status, body, place)
  }
  return {
    async list(path, query, place) {
      const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
      const { body, date } = await get(`${baseUrl}${path}?${parameters.toString()}`, place)
      const parsed = ListResponse.safeParse(body)
      const list = parsed.data
      if (list === undefined || ((list.Resources ?? null) === null && (list.totalResults ?? null) === null)) {
        throw new ConnectError('schema', 'the answer is no SCIM ListResponse; check baseUrl', place)
      }
      return {
        rows: list.Resources ?? [],
        total: list.totalResults ?? null,
        startIndex: list.startIndex ?? null,
        nextCursor: list.nextCursor === '' ? null : (list.nextCursor ?? null),
        date,
      }
    },
    resource: async (path, id, place) => (await found(() => get(`${baseUrl}${path}/${pathSegment(id, place)}`, place)))?.body ?? null,
    async versioned(path, id, place) {
      const answer = await found(() => get(`${baseUrl}${path}/${pathSegment(id, place)}`, place))
      return answer === null ? null : { resource: answer.body, etag: answer.etag ?? versionIn(answer.body) }
    },
    async patch(path, id, etag, operation, place) {
      const body = JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] })
      const conditions = etag === null ? {} : { 'if-match': etag }
      await change({ method: 'PATCH', headers: { ...scimJson, ...conditions }, body }, `${path}/${pathSegment(id, place)}`, place)
    },
    async create(path, resource, place) {
      await change({ method: 'POST', headers: scimJson, body: JSON.stringify(resource) }, path, place)
    },
    async remove(path, id, place) {
      const removed = async (): Promise<true> => {
        await change({ method: 'DELETE' }, `${path}/${pathSegment(id, place)}`, place)
        return true
      }
      return (await found(removed)) ?? false
    },
  }
}

/** Null where the server answers that there is no such thing. */
async function found<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ConnectError && error.class === 'not-found') return null
    throw error
  }
}

const Versioned = z.looseObject({ meta: z.looseObject({ version: z.string().min(1) }) })
const versionIn = (resource: unknown): string | null => Versioned.safeParse(resource).data?.meta.version ?? null

function readBody(status: number, text: string, place: string): unknown {
  const body = parse(text)
  const error = ErrorBody.safeParse(body).data
  const told = error?.schemas.some((schema) => schema.toLowerCase().endsWith(':error')) === true ? error : undefined
  if (status >= 200 && status < 300 && told === undefined) {
    if (body !== undefined) return body
    throw new ConnectError('transient', 'the answer is not whole JSON: it was cut, or is no SCIM', place)
  }
  const real = told?.status === undefined ? status : Number(told.status)
  const inside = status < 300 ? `answered ${status} with an error inside` : `answered ${status}`
  const detail = told?.detail === undefined ? '' : `: ${told.detail.slice(0, 200)}`
  throw new ScimError(classOf(real), `the server ${inside}${detail}`, place, told?.scimType ?? null)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function classOf(status: number): ErrorClass {
  if (status === 401) return 'authentication'
  if (status === 403) return 'permission'
  if (status === 404) return 'not-found'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 429) return 'throttled'
  if (status === 408 || (status >= 500 && status !== 501)) return 'transient'
  return status >= 300 && status < 400 ? 'configuration' : 'schema'
}

function dateOf(header: string | undefined): number | null {
  const ms = header === undefined ? NaN : Date.parse(header)
  return Number.isNaN(ms) ? null : ms
}
