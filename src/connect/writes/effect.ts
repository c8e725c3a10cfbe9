import type { Operation } from '../../../schemas/wire/operations.ts'
import type { Account, AssignmentsFacet } from '../../../schemas/wire/raw.ts'
import { seenOf } from '../hand-over.ts'

/**
 * Whether a single read of the account, made after the operation, shows its effect; null where a read can't tell. Pure.
 */
export function shows({ name, ref, credential, attributes }: Operation, read: Account): boolean | null {
  switch (name) {
    case 'create-account':
      return !read.gone
    case 'delete-account':
      return read.gone
    case 'disable-account':
      return read.gone || status(read, 'disabled')
    case 'enable-account':
      return read.gone ? false : status(read, 'active')
    case 'grant':
      if (read.gone) return false
      return ref === null ? null : holds(ref.kind === 'entitlement' ? read.grants : read.memberships, ref)
    case 'revoke':
      return read.gone || (ref === null ? null : not(holds(ref.kind === 'entitlement' ? read.grants : read.memberships, ref)))
    case 'disable-credential':
      // a disabled one may still be listed
      return read.gone || (read.credentials?.added.every(({ id }) => id !== credential) === true ? true : null)
    case 'rotate-credential': {
      const now = read.credentials?.added.find(({ id }) => id === credential)
      const seen = seenOf({ attributes })
      // Without any date before and after nothing tells the one from the other.
      return now === undefined || (now.created ?? now.expires ?? seen.created ?? seen.expires) === null ? null : now.created !== seen.created || now.expires !== seen.expires
    }
  }
}

const status = ({ attributes }: Account, wanted: 'active' | 'disabled'): boolean | null => (attributes === null ? null : attributes.status === wanted)
const not = (answer: boolean | null): boolean | null => (answer === null ? null : !answer)

/** A facet that is not whole proves what is held, not what is not. */
function holds(facet: AssignmentsFacet | null, ref: NonNullable<Operation['ref']>): boolean | null {
  if (facet === null) return null
  if (facet.added.some((one) => one.ref.kind === ref.kind && one.ref.id === ref.id)) return true
  return facet.whole ? false : null
}
