import type { Page } from '../../ports/connector.ts'
import type { Endpoint, Strategy } from './endpoint.ts'

/**
 * A list that comes in one answer. `whole`: the application is known never to cut it, so that one whole answer is a snapshot; else
 * nothing proves that a limit did not end it.
 */
export const once = (whole: boolean): Strategy => ({ proof: whole ? 'transaction' : 'none', walk: (endpoint) => walk(endpoint) })

async function* walk(endpoint: Endpoint): AsyncGenerator<Page> {
  const { rows, total, rejected = [] } = await endpoint.ask({ parameters: {}, url: null }, endpoint.name)
  yield { rows, place: endpoint.name, rejected, total, start: 0, resume: null }
}
