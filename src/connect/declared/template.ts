import { z } from 'zod'
import { type Expression, ExpressionError, type VariableNames, type Variables, parseExpression } from './expression.ts'
import { isKept } from './json.ts'

/** A text of a config file with `${expression}` in it. */
interface Template {
  /** Text with every value in its place, passed through `encode` with the text before it. Throws ExpressionError. */
  text(variables: Variables, encode?: (value: string, before: string) => string): string
  /** As `text`; but what is nothing but one expression keeps the value's own type, to be written by `writeJson`. */
  value(variables: Variables): unknown
}

export function parseTemplate(source: string, names: VariableNames): Template {
  const parts = partsOf(source).map((part) => (typeof part === 'string' ? part : parseExpression(part.expression, names)))
  const [first] = parts
  const only = parts.length === 1 && typeof first === 'object' ? first : null
  const text: Template['text'] = (variables, encode = (value) => value) =>
    parts.reduce<string>((before, part) => before + (typeof part === 'string' ? part : encode(textOf(part, variables), before)), '')
  return { text, value: (variables) => (only === null ? text(variables) : jsonOf(only.evaluate(variables))) }
}

/** Every text in a JSON-like value is a template; what it comes to is written by `writeJson`. */
export function parseTree(tree: unknown, names: VariableNames): (variables: Variables) => unknown {
  if (typeof tree === 'string') {
    const template = parseTemplate(tree, names)
    return (variables) => template.value(variables)
  }
  if (Array.isArray(tree)) {
    const items = tree.map((item: unknown) => parseTree(item, names))
    return (variables) => items.map((item) => item(variables))
  }
  if (typeof tree === 'object' && tree !== null) {
    const entries = Object.entries(tree).map(([key, item]) => [key, parseTree(item, names)] as const)
    return (variables) => Object.fromEntries(entries.map(([key, item]) => [key, item(variables)]))
  }
  return () => tree
}

/** A template in a config file: its text, checked. */
export const template = (...names: string[]) =>
  z.string().superRefine((source, context) => {
    for (const problem of problemsOf(source, names)) context.addIssue({ code: 'custom', message: problem })
  })

/** A JSON-like value in a config file, all its texts checked as templates. */
export const templateTree = (...names: string[]) =>
  z.json().superRefine((tree, context) => {
    for (const problem of problemsOf(tree, names)) context.addIssue({ code: 'custom', message: problem })
  })

function problemsOf(tree: unknown, names: VariableNames): string[] {
  try {
    parseTree(tree, names)
    return []
  } catch (error) {
    return [`no valid expression: ${error instanceof Error ? error.message.split('\n')[0]! : 'unknown'}`]
  }
}

function partsOf(source: string): (string | { expression: string })[] {
  const parts: (string | { expression: string })[] = []
  let rest = source
  for (;;) {
    const start = rest.indexOf('${')
    if (start < 0) break
    const end = closing(rest, start + 2)
    if (end < 0) throw new ExpressionError(`"\${" without its "}" in ${source}`)
    if (start > 0) parts.push(rest.slice(0, start))
    parts.push({ expression: rest.slice(start + 2, end) })
    rest = rest.slice(end + 1)
  }
  if (rest !== '' || parts.length === 0) parts.push(rest)
  return parts
}

/** Where the brace closes that was opened before `from`: an expression may hold maps. */
function closing(text: string, from: number): number {
  let depth = 1
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') depth += 1
    if (text[at] === '}' && --depth === 0) return at
  }
  return -1
}

function textOf(part: Expression, variables: Variables): string {
  const value = part.evaluate(variables)
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Date) return value.toISOString()
  throw new ExpressionError(`${part.source}: expected text or a number`)
}

/** As `writeJson` writes it, numbers as they are: a bigint may be one of CEL's, or one of the application's that no double holds. */
function jsonOf(value: unknown): unknown {
  if (isKept(value)) return value
  if (typeof value === 'number' && !Number.isFinite(value)) throw new ExpressionError('a number came to something that JSON does not have')
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item)]))
  }
  return value
}
