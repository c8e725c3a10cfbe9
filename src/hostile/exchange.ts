/** A request as the hostile application sees it. */
export interface Asked {
  method: string
  /** path and query, with nothing decoded */
  target: string
  url: URL
  headers: Readonly<Record<string, string>>
  body: string
  /** how many requests for the same list came before, since the fault was armed: 0 for the first; a count by itself belongs to the one before it */
  nth: number
}

/** An answer before it goes on the wire. `json` is what most faults change; `wire` what is sent where it differs from an honest answer. */
export interface Answer {
  status: number
  headers: Record<string, string>
  json: unknown
  /** sent instead of `json` */
  raw?: string
  /**
   * what the connection does. `reset`: no answer. `cut`: half of the body, then reset. `hang`: no answer, no end. `stall`: half of the body, and no end.
   * `drip`: byte by byte
   */
  wire?: 'reset' | 'cut' | 'hang' | 'stall' | 'drip'
}

/**
 * What a request is about, as its method and path say: a list (`users`, `groups`, `members`, `changes`), `one` object read singly,
 * `writes` (whatever changes something); `null` for the rest.
 */
export type ListName = 'users' | 'groups' | 'members' | 'changes' | 'one' | 'writes'

/** Where the parts of a list's answer are: what a fault needs to know to change one. */
export interface Shape {
  /** key of the list of rows; null: the answer is the list */
  rows: string | null
  /** key of the count of all rows; `alone`: an answer of its own is the count; null: nothing counts */
  total: string | null
  /** key of what leads to the next page; `link`: the Link header */
  next: string | null
  /** field of a row that holds its id */
  id: string
  /** field of a row that a mapping needs besides */
  name: string
  /** field of a change that says who changed, and how it says it; absent: changes are not told */
  change?: { field: string; of: (user: string) => string }
}

/** One honest application: what a request is about, and what it answers. */
export interface Dialect {
  readonly name: string
  readonly shape: Shape
  /** null: no list */
  listOf(target: URL, method: string): ListName | null
  /** whether it is the count of a list by itself; absent: there is none */
  isCount?(target: URL): boolean
  answer(asked: Asked): Answer
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Answer => ({ status, headers, json: body })
