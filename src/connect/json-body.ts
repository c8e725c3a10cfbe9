import { ConnectError, type HttpResponse } from '../ports/connector.ts'

/**
 * The body as JSON. Throws ConnectError `transient` for one that is not whole: as a request's `check` it makes the platform ask again.
 */
export function jsonBody({ body, headers }: HttpResponse, place: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch (error) {
    const html = (headers['content-type'] ?? '').includes('html')
    throw new ConnectError('transient', html ? 'the answer is a web page, not JSON' : 'the answer is not whole JSON: it was cut, or is something else', place, { cause: error instanceof SyntaxError ? undefined : error })
  }
}
