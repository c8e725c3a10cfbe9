import type { Position } from '../../schemas/wire/common.ts'
import type { FactRecord } from '../../schemas/wire/facts.ts'
import type { AccessChange } from '../../schemas/wire/results.ts'
import type { RecordOf, Topic } from '../../schemas/wire/topics.ts'
import type { Context, ProcessorType } from '../ports/processor.ts'

export interface Overhearing {
  /** facts about others are not handed over; null: all are */
  homes: ReadonlySet<string> | null
  /** hears of each record that is handed over, before it is; `isBehind`: whether anything from before is left for later */
  onRecord: (record: FactRecord, position: Position, isBehind: () => boolean) => void
  /** `late`: it was not told when its cause was handed over, but of what that left to do */
  onChange: (change: AccessChange, late: boolean) => void
}

/** The judge at work, whose changes of access are heard. What it tells is neither encoded nor kept: nobody asks for what else it tells. */
export function overheard(judge: ProcessorType, { homes, onRecord, onChange }: Overhearing): ProcessorType {
  const { name, input, outputs, version, stateFormat } = judge
  return {
    name, input, outputs, version, stateFormat,
    create: () => {
      const processor = judge.create()
      const hear = (late: boolean) => (topic: Topic, record: RecordOf<Topic>): void => {
        if (topic === 'access' && record.type === 'AccessChange') onChange(record, late)
      }
      const [atOnce, later] = [new Listening(hear(false)), new Listening(hear(true))]
      return {
        process(context, record) {
          if (homes !== null && 'home' in record && !homes.has(record.home)) return
          onRecord(record as FactRecord, context.position, () => processor.lags?.(context) ?? false)
          processor.process(atOnce.to(context), record)
        },
        slice: (context, budget) => processor.slice(later.to(context), budget),
      }
    },
  }
}

/** The context of the calls, but for what is told in it. */
class Listening {
  readonly #emit: Context['emit']
  #of: Context | null = null
  #listening: Context | null = null

  constructor(hear: (topic: Topic, record: RecordOf<Topic>) => void) {
    this.#emit = (topic, _key, record) => hear(topic, record)
  }

  /** One is moved from call to call, so this follows it. */
  to(context: Context): Context {
    if (this.#of !== context || this.#listening === null) {
      this.#of = context
      this.#listening = Object.create(context, { emit: { value: this.#emit }, broadcast: { value: () => undefined } }) as Context
    }
    return this.#listening
  }
}
