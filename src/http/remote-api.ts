import { z } from 'zod'
import type { PostResult } from '../connect/feeds/post.ts'
import type { DeadLetterRow } from '../reports/dead-letters.ts'
import type { Summary } from '../reports/summary.ts'
import { jsonOrNull } from '../core/json.ts'
import { reasonOf } from '../core/reason.ts'
import { ApiError } from './api-error.ts'
import type { ActionStep, Api, Explanation } from './api.ts'
import type { ConnectorHealth } from './connectors.ts'
import { cutHeader, cutOf } from './cut-header.ts'
import { datedOf } from './dated-sources.ts'
import { lettersHeader, lettersOf } from './letters-header.ts'
import { pausedHeader } from './paused-header.ts'
import { unknownHeader, unknownOf } from './unknown-header.ts'
import { unprovenHeader } from './unproven-header.ts'

const Decided = z.object({ did: z.string() })
const Recorded = z.object({ recorded: z.int() })
const Problem = z.object({ title: z.string() })

/** A process that runs, asked over its HTTP API: the one that holds the data directory, or one elsewhere. A redirect is an error: the token is for this address. */
export function remoteApi(url: string, token: string): Api {
  const answer = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<Response> => {
    const asked = fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
    })
    const response = await asked.catch((error: unknown) => {
      throw new Error(`${url} could not be asked: ${reasonOf(error instanceof Error && error.cause !== undefined ? error.cause : error)}`, { cause: error })
    })
    if (response.ok) return response
    const text = await response.text()
    const problem = Problem.safeParse(jsonOrNull(text))
    const title = problem.success ? problem.data.title : `${url} answered ${response.status}, and not as grantline does`
    const { status } = response
    if (status === 404 || status === 503) throw new ApiError(status, title)
    throw status < 500 ? new ApiError(400, title) : new Error(title)
  }
  const call = async (...request: Parameters<typeof answer>): Promise<string> => (await answer(...request)).text()
  return {
    async report(name, filters, format, width) {
      const { body, headers } = await answer('GET', `/v1/reports/${encodeURIComponent(name)}?${new URLSearchParams({ ...filters, format, width: String(width) }).toString()}`)
      const [unknown, unproven, paused] = [unknownOf(headers.get(unknownHeader)), datedOf(headers.get(unprovenHeader)), datedOf(headers.get(pausedHeader))]
      return { text: body ?? [], cutAt: cutOf(headers.get(cutHeader)), unknown, unproven, paused, behind: [], deadLetters: lettersOf(headers.get(lettersHeader)) }
    },
    summary: async () => JSON.parse(await call('GET', '/v1/summary')) as Summary,
    connectors: async () => JSON.parse(await call('GET', '/v1/connectors')) as ConnectorHealth[],
    explain: async (id) => JSON.parse(await call('GET', `/v1/explain/${encodeURIComponent(id)}`)) as Explanation,
    action: async (id) => JSON.parse(await call('GET', `/v1/actions/${encodeURIComponent(id)}`)) as ActionStep[],
    decideActions: async (request) => Recorded.parse(JSON.parse(await call('POST', '/v1/actions/decision', request))).recorded,
    letter: async (id) => JSON.parse(await call('GET', `/v1/dead-letters/${encodeURIComponent(id)}`)) as DeadLetterRow,
    decideLetter: async (id, decision) => Decided.parse(JSON.parse(await call('POST', `/v1/dead-letters/${encodeURIComponent(id)}/decision`, decision))).did,
    sync: async (app) => {
      await call('POST', `/v1/apps/${encodeURIComponent(app)}/sync`, {})
    },
    deliver: () => Promise.reject(new ApiError(409, 'webhooks go to the running process, at /v1/webhooks/<app>')),
    rule: async (ruling) => {
      await call('POST', '/v1/rulings', ruling)
    },
    post: async (feed, rows) => JSON.parse(await call('POST', `/v1/feeds/${encodeURIComponent(feed)}`, rows)) as PostResult,
  }
}
