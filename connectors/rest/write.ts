import type { Operation, OperationName } from '../../schemas/wire/operations.ts'
import { ExpressionError } from '../../src/connect/declared/expression.ts'
import { parseTemplate, parseTree } from '../../src/connect/declared/template.ts'
import type { HandOver } from '../../src/connect/hand-over.ts'
import { ConnectError, type WriteSide } from '../../src/ports/connector.ts'
import { type Api, type ApiRequest, classOfAnswer, flag, good, ofAnswer } from './api.ts'
import { names, type RestConfig, type RestStep } from './config.ts'
import { newSecret } from './new-secret.ts'

/** What expressions of a step speak of before anything was asked. */
const subjectOf = ({ account, ref, credential, attributes }: Operation) => ({ account, ref, credential, attributes })

/** Corrections as the declared steps make them; undefined where none is declared. */
export function writeSide(api: Api, declared: RestConfig['write'], handOver: HandOver | null): WriteSide | undefined {
  const steps = new Map(Object.entries(declared).map(([name, list]) => [name, list.map((step) => compileStep(api, step, handOver))]))
  if (steps.size === 0) return undefined
  const of = (operation: Operation): CompiledStep[] =>
    (steps.get(operation.name) ?? []).filter((step) => step.concerns(operation))
  return {
    operations: [...steps.keys()] as OperationName[],
    steps: (operation) => of(operation).map(({ name }) => name),
    async ensure(operation, name, key) {
      const step = of(operation).find((candidate) => candidate.name === name)
      if (step === undefined) throw new ConnectError('configuration', `${operation.name} has no step "${name}" any more`, operation.name)
      return await step.ensure(operation, key)
    },
  }
}

type Outcome = 'applied' | 'already'

interface CompiledStep {
  name: string
  concerns(operation: Operation): boolean
  ensure(operation: Operation, key: string): Promise<Outcome>
}

function compileStep(api: Api, step: RestStep, handOver: HandOver | null): CompiledStep {
  const condition = (source: string | undefined, known: readonly string[]) => (source === undefined ? null : ofAnswer(source, known, flag, 'true or false'))
  const when = condition(step.when, names.read)
  const holds = condition(step.holds, names.write)
  const already = condition(step.already, names.written)
  const refused = condition(step.refused, names.written)
  const headers = Object.entries(step.headers).map(([name, text]) => [name, parseTemplate(text, names.write)] as const)
  const body = step.body === undefined ? null : parseTree(step.body, names.secret)
  const secret = step.newSecret === undefined || handOver === null ? null : newSecret(step.newSecret, handOver)
  return {
    name: step.name,
    concerns: (operation) => when?.(subjectOf(operation), operation.name) ?? true,
    async ensure(operation, key) {
      const place = `${operation.name} of ${operation.account}, ${step.name}`
      const subject = subjectOf(operation)
      const read = step.read === undefined ? null : good(await api.send({ method: 'GET', url: api.url(step.read, {}, subject) }, place, true), place)
      const known = { ...subject, read }
      if (holds?.(known, place) === true) return (await secret?.found(operation, place)) ?? 'already'
      const request = async (): Promise<ApiRequest> => {
        const made = await secret?.begin(operation)
        return filled(place, () => ({
          method: step.method,
          url: api.url(step.path, step.query, known),
          headers: {
            ...Object.fromEntries(headers.map(([name, template]) => [name, template.text(known)])),
            ...(step.idempotencyKey !== undefined && { [step.idempotencyKey]: key }),
          },
          ...(body !== null && { body: body({ ...known, ...(made !== undefined && { secret: made }) }) }),
        }))
      }
      const sent = async (): Promise<Outcome> => {
        const answer = await api.send(await request(), place)
        const all = { ...known, ...answer }
        if (already?.(all, place) === true) return (await secret?.found(operation, place)) ?? 'already'
        const errorClass = classOfAnswer(answer.status)
        if (errorClass !== null) throw new ConnectError(errorClass, `the application answered ${answer.status}`, place)
        if (refused?.(all, place) === true) throw new ConnectError('conflict', 'the application refused in its answer', place)
        await secret?.complete(operation, all, place)
        return 'applied'
      }
      return secret === null ? await sent() : await sent().catch((error: unknown) => secret.failed(operation, error))
    },
  }
}

function filled<T>(place: string, fill: () => T): T {
  try {
    return fill()
  } catch (error) {
    if (error instanceof ExpressionError) throw new ConnectError('schema', `the request can't be filled: ${error.message}`, place)
    throw error
  }
}
