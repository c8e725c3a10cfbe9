import { refreshAccount } from './account.ts'
import { refreshIdentity } from './identity.ts'
import type { Scope } from './scope.ts'
import type { Change } from './subject.ts'

/** Derives the identity or account anew that lives at this home. */
export function refresh(scope: Scope, home: string, change: Change): void {
  const kind = home.indexOf('/')
  const rest = home.slice(kind + 1)
  const slash = rest.indexOf('/')
  if (home.slice(0, kind) === 'identity') refreshIdentity(scope, rest, change)
  else refreshAccount(scope, rest.slice(0, slash), rest.slice(slash + 1), change)
}
