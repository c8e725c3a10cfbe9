import type { Operation } from '../../../schemas/wire/operations.ts'
import { ConnectError } from '../../ports/connector.ts'

/**
 * An account of the wanted name is there: `already` where it agrees in all that accounts are matched by and that is asked for, else it is
 * somebody else's (ConnectError `conflict`). `held`: what it has, by the names that `wanted` uses. Pure.
 */
export function sameAccount(wanted: Operation['attributes'], held: Iterable<readonly [name: string, value: string | null | undefined]>, place: string): 'already' {
  for (const [name, value] of held) {
    const asked = Object.hasOwn(wanted, name) ? wanted[name] : undefined
    if (asked === undefined || asked.toLowerCase() === value?.toLowerCase()) continue
    throw new ConnectError('conflict', `there is a user of this name, whose ${name} is another: it is somebody else's`, place)
  }
  return 'already'
}
