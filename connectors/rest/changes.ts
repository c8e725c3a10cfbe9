import { ExpressionError, parseExpression } from '../../src/connect/declared/expression.ts'
import type { DeclaredRow } from '../../src/connect/declared/mapping.ts'
import type { Endpoint } from '../../src/connect/paging/endpoint.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { type Answer, type Api, flag, ofAnswer, text } from './api.ts'
import { names, type RestChanges, type RestConfig } from './config.ts'
import { declaredList } from './list.ts'

type Changes = { accounts: string[]; cursor: string }

/** Which accounts changed after a cursor, as the declared list of changes tells it. */
export function changesReader(api: Api, config: RestConfig, of: RestChanges): (cursor: string | null) => Promise<Changes> {
  const list = declaredList(api, config, of, null)
  const accountsOf = parseExpression(of.accounts, ['row'])
  const cursorOf = ofAnswer(of.cursor, names.answer, text, 'a cursor')
  const restarted = of.restarted === undefined ? null : ofAnswer(of.restarted, ['cursor', ...names.answer], flag, 'true or false')
  const read = async (cursor: string): Promise<Changes & { restarted: boolean }> => {
    const accounts = new Set<string>()
    const answers: Answer[] = []
    const walked = list.endpoint('changes', { cursor }, null, (answer) => answers.splice(0, 1, answer))
    // What says the same may be another event, and more may come while pages are read.
    const endpoint: Endpoint = { ...walked, idOf: () => null, events: true }
    for await (const page of list.strategy.walk(endpoint, null)) {
      for (const { row } of page.rows as readonly DeclaredRow[]) for (const id of idsOf(accountsOf, row, page.place)) accounts.add(id)
    }
    const [last] = answers
    const next = last === undefined ? null : cursorOf(last, 'changes')
    const again = last !== undefined && restarted?.({ ...last, cursor }, 'changes') === true
    // Without a new position nothing has happened since the old one.
    return { accounts: [...accounts], cursor: next ?? cursor, restarted: again }
  }
  return async (cursor) => {
    const { restarted: again, ...told } = await read(cursor ?? of.start)
    if (cursor === null) return { accounts: [], cursor: told.cursor }
    if (!again) return told
    const { accounts, cursor: next } = await read(of.start)
    return { accounts, cursor: next }
  }
}

function idsOf(expression: ReturnType<typeof parseExpression>, row: unknown, place: string): string[] {
  try {
    const value = expression.evaluate({ row })
    const ids = (Array.isArray(value) ? (value as unknown[]) : [value]).map(text)
    if (ids.every((id) => typeof id === 'string')) return ids
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
  }
  throw new ConnectError('schema', `a change names no account (${expression.source})`, place)
}
