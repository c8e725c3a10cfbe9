import type { AccountFact, FactGrant } from '../../schemas/wire/facts.ts'
import { digest } from '../../src/core/canonical.ts'
import { part } from '../shared/rows.ts'

/** What a fact says, without when and whence. How an id is spelt is told with the next change: spellings that alternate are none. */
export type Content = Omit<AccountFact, 'native' | 'observed' | 'valid' | 'movedFrom' | 'sources' | 'cause'>

/** A longer text is kept as its digest. */
const maxLength = 400

/** Equal for equal content only (of a longer one: as far as SHA-256 tells). */
export function textOfContent(content: Content): string {
  const { home, app, account, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed } = content
  const { since, whole, unknown, grants, grantsSince, credentials, entries, lapsed, exposed } = content
  const text = JSON.stringify([
    home, app, account, kind, status, display, match, identity, candidates, owner, ownerState, created, lastUsed, since, whole, unknown,
    digestOfGrants(grants), grantsSince, credentials.map(({ id, kind: of, created: at, lastUsed: used, expires }) => [id, of, at, used, expires]),
    entries.map((entry) => [entry.app, entry.entitlement, entry.from, entry.until, entry.reasons.map(reasonFields)]),
    lapsed.map((lapse) => [lapse.app, lapse.entitlement, lapse.at, lapse.why, reasonFields(lapse.reason)]),
    // of most accounts the text is what it was before facts told this
    ...(exposed === null ? [] : [exposed]),
  ])
  return text.length > maxLength ? digest(text) : text
}

function reasonFields({ kind, id, by, from, until, source }: Content['lapsed'][number]['reason']): unknown[] {
  return [kind, id, by, from, until, source.topic, source.partition, source.offset, source.index]
}

/** Of lists that many accounts share, which are frozen. */
const digests = new WeakMap<readonly FactGrant[], string>()

function digestOfGrants(grants: readonly FactGrant[]): string {
  let known = digests.get(grants)
  if (known === undefined) {
    known = digest(textOfGrants(grants))
    if (Object.isFrozen(grants)) digests.set(grants, known)
  }
  return known
}

function textOfGrants(grants: readonly FactGrant[]): string {
  let text = ''
  for (const { entitlement, native, mapped, direct, valid, paths } of grants) {
    text += `${part(entitlement)}${native === entitlement ? '' : part(native)};${mapped ? 1 : 0}${direct ? 1 : 0};${valid ?? ''};${paths.length}`
    for (const path of paths) text += textOfPath(path)
  }
  return text
}

/** Of the paths in the closures, which are never changed. */
const pathTexts = new WeakMap<readonly string[], string>()

function textOfPath(path: readonly string[]): string {
  let text = pathTexts.get(path)
  if (text === undefined) pathTexts.set(path, (text = `;${path.length}${path.map(part).join('')}`))
  return text
}
