import type { Operation, OperationName } from '../../schemas/wire/operations.ts'
import { ExpressionError } from '../../src/connect/declared/expression.ts'
import { parseTemplate, parseTree } from '../../src/connect/declared/template.ts'
import { ConnectError, type WriteSide } from '../../src/ports/connector.ts'
import { type Answer, type Api, classOfAnswer, flag, good, ofAnswer } from './api.ts'
import { names, type RestConfig, type RestStep } from './config.ts'

/** What expressions of a step speak of before anything was asked. */
const subjectOf = ({ account, ref, credential, attributes }: Operation) => ({ account, ref, credential, attributes })

/** Corrections as the declared steps make them; undefined where none is declared. */
export function writeSide(api: Api, declared: RestConfig['write']): WriteSide | undefined {
  const steps = new Map(Object.entries(declared).map(([name, list]) => [name, list.map((step) => compileStep(api, step))]))
  if (steps.size === 0) return undefined
  const of = (operation: Operation): CompiledStep[] =>
    (steps.get(operation.name) ?? []).filter((step) => step.concerns(operation))
  return {
    operations: [...steps.keys()] as OperationName[],
    steps: (operation) => of(operation).map(({ name }) => name),
    async ensure(operation, name, key, deadline) {
      const step = of(operation).find((candidate) => candidate.name === name)
      if (step === undefined) throw new ConnectError('configuration', `${operation.name} has no step "${name}" any more`, operation.name)
      return await step.ensure(operation, key, deadline)
    },
  }
}

interface CompiledStep {
  name: string
  concerns(operation: Operation): boolean
  ensure(operation: Operation, key: string, deadline: AbortSignal): Promise<'applied' | 'already'>
}

function compileStep(api: Api, step: RestStep): CompiledStep {
  const condition = (source: string | undefined, known: readonly string[]) => (source === undefined ? null : ofAnswer(source, known, flag, 'true or false'))
  const when = condition(step.when, names.read)
  const holds = condition(step.holds, names.write)
  const already = condition(step.already, names.written)
  const refused = condition(step.refused, names.written)
  const headers = Object.entries(step.headers).map(([name, text]) => [name, parseTemplate(text, names.write)] as const)
  const body = step.body === undefined ? null : parseTree(step.body, names.write)
  return {
    name: step.name,
    concerns: (operation) => when?.(subjectOf(operation), operation.name) ?? true,
    async ensure(operation, key, deadline) {
      const place = `${operation.name} of ${operation.account}, ${step.name}`
      const subject = subjectOf(operation)
      const read = step.read === undefined ? null : good(await send(api, { method: 'GET', url: api.url(step.read, {}, subject) }, place, deadline), place)
      const known = { ...subject, read }
      if (holds?.(known, place) === true) return 'already'
      const request = filled(place, () => ({
        method: step.method,
        url: api.url(step.path, step.query, known),
        headers: {
          ...Object.fromEntries(headers.map(([name, template]) => [name, template.text(known)])),
          ...(step.idempotencyKey !== undefined && { [step.idempotencyKey]: key }),
        },
        ...(body !== null && { body: body(known) }),
      }))
      const answer = await send(api, request, place, deadline)
      const all = { ...known, ...answer }
      if (already?.(all, place) === true) return 'already'
      const errorClass = classOfAnswer(answer.status)
      if (errorClass !== null) throw new ConnectError(errorClass, `the application answered ${answer.status}`, place)
      if (refused?.(all, place) === true) throw new ConnectError('conflict', 'the application refused in its answer', place)
      return 'applied'
    },
  }
}

/** Nothing is sent once the deadline has passed. */
async function send(api: Api, request: Parameters<Api['send']>[0], place: string, deadline: AbortSignal): Promise<Answer> {
  if (deadline.aborted) throw new ConnectError('transient', 'the time to write had passed before the request was sent', place)
  return await api.send(request, place)
}

function filled<T>(place: string, fill: () => T): T {
  try {
    return fill()
  } catch (error) {
    if (error instanceof ExpressionError) throw new ConnectError('schema', `the request can't be filled: ${error.message}`, place)
    throw error
  }
}
