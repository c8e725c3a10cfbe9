import { type Answer, json, type Shape } from './exchange.ts'
import type { Effect } from './fault.ts'

type Row = Record<string, unknown>
type Body = Record<string, unknown>

/** Instead of carrying the request out. */
export const refuse =
  (status: number, headers: Record<string, string> = {}, body: unknown = { error: 'refused' }): Effect =>
  () => json(body, status, headers)

/** A page for people, as a proxy or a sign-on gives to whoever asks. */
export const htmlPage = (status: number): Effect => () => ({
  status, headers: { 'content-type': 'text/html' }, json: null, raw: '<!doctype html><title>Sign in</title><p>Please sign in.',
})

/** The request is carried out, and then something happens to the answer on its way. */
export const onTheWire = (wire: NonNullable<Answer['wire']>): Effect => ({ honest }) => ({ ...honest(), wire })

/** No request reaches the application. */
export const noAnswer = (wire: 'reset' | 'hang'): Effect => () => ({ status: 200, headers: {}, json: null, wire })

/** The body as text; null leaves it. */
export const body =
  (change: (text: string) => string | null): Effect =>
  ({ honest }) => {
    const answer = honest()
    const raw = change(JSON.stringify(answer.json))
    return raw === null ? null : { ...answer, raw }
  }

export const headers =
  (more: Record<string, string>): Effect =>
  ({ honest }) => {
    const answer = honest()
    return { ...answer, headers: { ...answer.headers, ...more } }
  }

/** The rows of a list; null leaves the answer. */
export const rows =
  (change: (rows: readonly Row[], shape: Shape, nth: number) => Row[] | null): Effect =>
  ({ honest, shape, asked }) => {
    const answer = honest()
    const old = rowsOf(answer, shape)
    if (old === null || answer.status !== 200) return null
    const changed = change(old, shape, asked.nth)
    if (changed === null || JSON.stringify(changed) === JSON.stringify(old)) return null
    return { ...answer, json: shape.rows === null ? changed : { ...(answer.json as Body), [shape.rows]: changed } }
  }

/** One field of every row that has it. */
export const field =
  (name: (shape: Shape) => string, change: (row: Row, key: string) => Row): Effect =>
    rows((all, shape) => all.map((row) => (Object.hasOwn(row, name(shape)) ? change(row, name(shape)) : row)))

/** The count of all rows; null where the answer has none. */
export const total =
  (change: (total: number, nth: number) => unknown): Effect =>
  ({ honest, shape, asked }) => {
    const answer = honest()
    if (shape.total === 'alone') return typeof answer.json === 'number' ? { ...answer, json: change(answer.json, asked.nth) } : null
    const known = shape.total === null ? undefined : (answer.json as Body | null)?.[shape.total]
    if (typeof known !== 'number' || shape.total === null) return null
    const { [shape.total]: _, ...rest } = answer.json as Body
    const changed = change(known, asked.nth)
    return { ...answer, json: changed === undefined ? rest : { ...rest, [shape.total]: changed } }
  }

/** What leads to the next page, an address or a cursor, with the cursor in it replaced; null where the answer names none. */
export const cursor = (change: (cursor: string) => string): Effect =>
  next((old) => (/[?&]at=/.test(old) ? old.replace(/([?&]at=)([^&]*)/, (_, name: string, at: string) => name + encodeURIComponent(change(decodeURIComponent(at)))) : change(old)))

/** What leads to the next page; null where the answer names none. */
export const next =
  (change: (next: string) => string | null): Effect =>
  ({ honest, shape }) => {
    const answer = honest()
    if (shape.next === null) return null
    if (shape.next === 'link') {
      const { link, ...rest } = answer.headers
      if (link === undefined) return null
      const address = change(/<([^>]*)>/.exec(link)?.[1] ?? '')
      return { ...answer, headers: address === null ? rest : { ...rest, link: `<${address}>; rel="next"` } }
    }
    const old = (answer.json as Body | null)?.[shape.next]
    if (typeof old !== 'string') return null
    const { [shape.next]: _, ...rest } = answer.json as Body
    const changed = change(old)
    return { ...answer, json: changed === null ? rest : { ...rest, [shape.next]: changed } }
  }

/** What was answered last for this list, again. */
export const again: Effect = ({ previous, honest }) => {
  if (previous === null || JSON.stringify(previous.json) === JSON.stringify(honest().json)) return null
  return structuredClone(previous)
}

/** A list ignores which page is asked for: what it answered first at an address comes there for ever. */
export const ignoresPages = (): Effect => {
  const first = new Map<string, Answer>()
  return ({ asked, honest }) => {
    const answer = honest()
    const known = first.get(asked.url.pathname) ?? answer
    first.set(asked.url.pathname, known)
    return JSON.stringify(known.json) === JSON.stringify(answer.json) ? null : structuredClone(known)
  }
}

/** Something happens in the application while it answers; `before`: before it looks, else after. */
export const meanwhile =
  (act: () => void, before = false): Effect =>
  ({ honest }) => {
    if (before) act()
    const answer = honest()
    if (!before) act()
    return answer
  }

function rowsOf(answer: Answer, shape: Shape): readonly Row[] | null {
  const held: unknown = shape.rows === null ? answer.json : (answer.json as Body | null)?.[shape.rows]
  return Array.isArray(held) ? (held as Row[]) : null
}
