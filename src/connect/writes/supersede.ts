import type { Operation } from '../../../schemas/wire/operations.ts'
import type { WriteCommand } from './journal.ts'

/**
 * Which of these commands, in the order of the log, need not be carried out, since later ones concern all that they concern; by id,
 * with the id of the last of these. Pure. Whoever asks leaves out what was begun already.
 */
export function supersededBy(commands: readonly WriteCommand[]): ReadonlyMap<string, string> {
  const later = new Map<string, string>()
  const superseded = new Map<string, string>()
  for (const command of [...commands].reverse()) {
    const concerned = command.operations.map(subjectOf)
    const newer = concerned.map((subject) => later.get(subject))
    const last = newer.find((id) => id !== undefined)
    if (concerned.length > 0 && newer.every((id) => id !== undefined)) superseded.set(command.id, last!)
    else for (const subject of concerned) if (!later.has(subject)) later.set(subject, command.id)
  }
  return superseded
}

/** What an operation changes: one direct assignment, one credential, or the account as such. */
function subjectOf({ account, ref, credential }: Operation): string {
  const what = ref !== null ? ['ref', ref.kind, ref.id] : credential !== null ? ['credential', credential] : ['account']
  return JSON.stringify([account, ...what])
}
