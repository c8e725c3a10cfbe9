import type { UnknownApp } from '../../../schemas/wire/results.ts'
import { nearest } from '../../core/nearest.ts'
import { compareKeys } from '../../core/order.ts'
import { secretMark } from '../../core/secret-mark.ts'
import { looksSecret } from '../secret-like.ts'
import type { TypedRow } from './shape.ts'

/** Where `app` was mapped to a wrong column, nearly every row has a name of its own. */
const maxNames = 20
/** No application of a config file has a name as long. */
const maxNameChars = 80
/** In two letters out of three another application is as likely as a slip. */
const maxEdits = (length: number): number => Math.min(2, Math.floor(length / 2))

interface Named {
  shown: string
  rows: number
}

/** Counts the rows of a feed by the applications that they name and the config file never had. Memory grows with neither. */
export class UnknownApps {
  readonly #known: ReadonlySet<string>
  readonly #named = new Map<string, Named>()
  #others = 0

  /** `known`: the applications that the config file has or had. */
  constructor(known: ReadonlySet<string>) {
    this.#known = known
  }

  /** A row that names several counts once for each. One that says that something is gone asks for nothing. */
  add(typed: TypedRow): void {
    if (typed.row.removed) return
    const unknown = appsOf(typed).filter((app) => !this.#known.has(app))
    if (unknown.length === 0) return
    let isOther = false
    for (const [name, app] of new Map(unknown.map((app) => [cut(app), app]))) {
      const named = this.#named.get(name)
      if (named !== undefined) named.rows += 1
      else if (this.#named.size < maxNames) this.#named.set(name, { shown: looksSecret(app) ? secretMark : name, rows: 1 })
      else isOther = true
    }
    if (isOther) this.#others += 1
  }

  /** The first names that came, most rows first; behind them all that came later, together. */
  list(): UnknownApp[] {
    const named = [...this.#named.values()]
      .sort((a, b) => b.rows - a.rows || compareKeys(a.shown, b.shown))
      .map(({ shown, rows }): UnknownApp => ({ app: shown, rows, near: shown === secretMark ? null : (nearest(shown, this.#known, maxEdits) ?? null) }))
    return this.#others === 0 ? named : [...named, { app: null, rows: this.#others, near: null }]
  }
}

/** One line for people, short enough for a column. */
export function unknownAppText({ app, rows, near }: UnknownApp): string {
  const who = rows === 1 ? '1 row names' : `${rows} rows name`
  if (app === null) return `${who} others`
  // quoted: a blank at its end is a slip, too
  return `${who} ${JSON.stringify(app)}${near === null ? '' : ` (did you mean ${JSON.stringify(near)}?)`}`
}

function appsOf(typed: TypedRow): string[] {
  switch (typed.class) {
    case 'identities':
    case 'role-assignments':
      return []
    case 'business-roles': {
      const { app, grants } = typed.row
      const apps = grants.map((grant) => grant.app)
      return app === null ? apps : [...apps, app]
    }
    case 'requests':
    case 'decisions':
    case 'links':
      return [typed.row.app]
  }
}

const cut = (name: string): string => (name.length > maxNameChars ? `${name.slice(0, maxNameChars).toWellFormed()}…` : name)
