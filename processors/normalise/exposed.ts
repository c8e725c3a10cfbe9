import type { Credential } from '../../schemas/wire/common.ts'
import { secretIdMark, secretMark } from '../../src/core/secret-mark.ts'
import type { Attributes } from './account.ts'

/**
 * The fields in which the application shows what looks like a secret: `display`, `owner`, `values.<name>`, `credential.id`, in this
 * order; null where there is none. What they held was masked before it was published.
 */
export function exposedIn({ display, owner, values }: Attributes, credentials: readonly Credential[]): string[] | null {
  const fields: string[] = []
  if (display === secretMark) fields.push('display')
  if (owner === secretMark) fields.push('owner')
  for (const name in values) if (values[name] === secretMark) fields.push(`values.${name}`)
  if (credentials.some(({ id }) => id.startsWith(secretIdMark))) fields.push('credential.id')
  return fields.length === 0 ? null : fields
}
