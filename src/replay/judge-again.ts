import type { Position } from '../../schemas/wire/common.ts'
import type { FactRecord } from '../../schemas/wire/facts.ts'
import type { AccessChange } from '../../schemas/wire/results.ts'
import type { ProcessorType } from '../ports/processor.ts'
import { comparePositions } from './difference.ts'
import { headAt } from './fact-heads.ts'
import { readKnown, type KnownFacts, type Knowing } from './known.ts'
import { overheard } from './overheard.ts'

export interface JudgeAgainOptions extends Knowing {
  judge: ProcessorType
  isWanted: (change: AccessChange) => boolean
  /** hears of each fact about a home that is judged, and of what goes to every partition, once */
  onRecord: (record: FactRecord) => void
}

export interface Judged {
  known: KnownFacts
  /** that are wanted, in order */
  changes: AccessChange[]
}

/** All that one partition of facts gives. */
export async function judgeAll(options: JudgeAgainOptions): Promise<Judged> {
  const changes: AccessChange[] = []
  const known = await readKnown(options, {
    type: overheard(options.judge, {
      homes: null,
      onRecord: options.onRecord,
      onChange: (change) => {
        if (options.isWanted(change)) changes.push(change)
      },
    }),
  })
  return { known, changes }
}

/**
 * The same where changes at these homes are all that is wanted, by the facts about these and what goes to every partition. A home is judged by
 * nothing else, but when that is depends on the others where work lags behind: for a setting, a baseline or a moment that concerns many, the judge
 * comes to one after the other. While nothing of what is wanted changed by that, it makes no difference. Where something did, all of
 * the partition is judged up to where nothing is left of such work: from there on both are the same again.
 */
export async function judgeHomes(homes: ReadonlySet<string>, options: JudgeAgainOptions): Promise<Judged> {
  const { known, changes: alone, doubt } = await judgeAlone(homes, options)
  if (doubt === null) return { known, changes: alone }
  const changes: AccessChange[] = []
  const certain: { from: Position | null } = { from: null }
  await readKnown(options, {
    type: overheard(options.judge, {
      homes: null,
      onRecord: (_record, position, isBehind) => {
        if (certain.from === null && comparePositions(position, doubt) > 0 && !isBehind()) certain.from = position
      },
      onChange: (change) => {
        if (certain.from === null && options.isWanted(change)) changes.push(change)
      },
    }),
    isEnough: () => certain.from !== null,
  })
  const { from } = certain
  return { known, changes: from === null ? changes : [...changes, ...alone.filter(({ cause }) => comparePositions(cause, from) >= 0)] }
}

/** `doubt`: the last record of which it can't be told without the other homes when it was worked through. */
async function judgeAlone(homes: ReadonlySet<string>, options: JudgeAgainOptions): Promise<Judged & { doubt: Position | null }> {
  const { judge, isWanted, onRecord } = options
  const changes: AccessChange[] = []
  let doubt: Position | null = null
  const known = await readKnown(options, {
    type: overheard({ ...judge, name: `${judge.name}-alone` }, {
      homes,
      onRecord: (record, position, isBehind) => {
        onRecord(record)
        if (isBehind()) doubt = position
      },
      onChange: (change, late) => {
        if (!isWanted(change)) return
        changes.push(change)
        if (late) doubt = change.cause
      },
    }),
    passes: (encoded) => {
      const head = headAt(encoded)
      return head !== null && !homes.has(head.home)
    },
  })
  return { known, changes, doubt }
}
