import { z } from 'zod'
import { ConnectError, MappingError } from '../ports/connector.ts'

/** Any error of a connector as a ConnectError; what it did not classify itself is a bug: `fatal`, at the last known place. */
export function asConnectError(error: unknown, place: string): ConnectError {
  if (error instanceof ConnectError) return error
  return new ConnectError('fatal', describeBug(error), place, { cause: error })
}

export interface Rejection {
  code: 'mapping' | 'shape' | 'bug'
  reason: string
  id: string | null
}

/** Why a row could not be mapped. zod's messages name the field and what was expected, never the value. */
export function asRejection(error: unknown): Rejection {
  if (error instanceof MappingError) return { code: 'mapping', reason: error.message, id: error.id }
  if (error instanceof z.ZodError) return { code: 'shape', reason: describeIssues(error), id: null }
  return { code: 'bug', reason: describeBug(error), id: null }
}

/** A parser's message quotes what it could not parse, which may be anything: only its name is told. */
function describeBug(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no Error was thrown'
  return error instanceof SyntaxError ? `${error.name}: something could not be parsed` : `${error.name}: ${error.message}`
}

export function describeIssues(error: z.ZodError): string {
  const issues = error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.map(String).join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  if (error.issues.length > issues.length) issues.push(`and ${error.issues.length - issues.length} more`)
  return issues.join('; ')
}
