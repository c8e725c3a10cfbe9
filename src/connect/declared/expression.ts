import { Environment, type ParseResult } from '@marcbachmann/cel-js'
import { z } from 'zod'

export type Variables = Readonly<Record<string, unknown>>

/** A CEL expression of a config file, parsed once. Throws ExpressionError, which tells the expression and never a value. */
export interface Expression {
  readonly source: string
  evaluate(variables: Variables): unknown
}

export class ExpressionError extends Error {
  override name = 'ExpressionError'
}

/** What expressions may speak of: `row`, `item`, … Everything else is refused when the config file is read. */
export type VariableNames = readonly string[]

const environments = new Map<string, Environment>()

/** Throws ExpressionError where the expression is no CEL, or speaks of something that is not there. */
export function parseExpression(source: string, names: VariableNames): Expression {
  const run = parse(source, names)
  return {
    source,
    evaluate(variables) {
      try {
        return plain(run(variables))
      } catch (error) {
        throw new ExpressionError(`${source}: ${reasonOf(error)}`)
      }
    },
  }
}

/** An expression in a config file: its text, checked. */
export const expression = (...names: string[]) =>
  z
    .string()
    .min(1)
    .superRefine((source, context) => {
      try {
        parse(source, names)
      } catch (error) {
        context.addIssue({ code: 'custom', message: `no valid expression: ${told(error)}` })
      }
    })
    .describe(`CEL over ${names.join(', ')}`)

function parse(source: string, names: VariableNames): ParseResult {
  const environment = environmentOf(names)
  const checked = environment.check(source)
  if (!checked.valid) throw checked.error ?? new ExpressionError('it is no CEL')
  return environment.parse(source)
}

function environmentOf(names: VariableNames): Environment {
  const key = names.join(' ')
  let environment = environments.get(key)
  if (environment === undefined) {
    environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
    for (const name of names) environment.registerVariable(name, 'dyn')
    environment.registerFunction('lower(string): string', (text: string) => text.toLowerCase())
    environment.registerFunction('split(string, string): list<string>', (text: string, by: string) => text.split(by).filter((part) => part !== ''))
    environment.registerFunction('flat(list): list', (lists: unknown[]) => lists.flat())
    environment.registerFunction('merge(map, map): map', (a: object, b: object) => ({ ...a, ...b }))
    environment.registerFunction('seconds(dyn): dyn', (epoch: unknown) => new Date(Math.round(Number(epoch) * 1_000)))
    environment.registerFunction('millis(dyn): dyn', (epoch: unknown) => new Date(Number(epoch)))
    environments.set(key, environment)
  }
  return environment
}

/** An optional without a value is null. */
function plain(value: unknown): unknown {
  if (Object.prototype.toString.call(value) !== '[object optional]') return value
  const optional = value as { hasValue: () => boolean; value: () => unknown }
  return optional.hasValue() ? optional.value() : null
}

const reasons: Readonly<Record<string, string>> = {
  no_such_key: 'a field is missing',
  no_such_overload: 'a value has another type than expected',
  int_conversion_error: 'a value is no integer',
  invalid_timestamp: 'a value is no time',
  index_out_of_range: 'a list is shorter than expected',
}

/** An error while evaluating may quote what it met; only its kind is told. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return (Object.hasOwn(reasons, code) ? reasons[code] : undefined) ?? 'it can not be evaluated here'
}

/** An error while parsing speaks of the config file only; its first line says what is wrong. */
const told = (error: unknown): string => (error instanceof Error ? error.message.split('\n')[0]! : 'it is no CEL')
