import type { Processor, ProcessorType } from '../ports/processor.ts'
import { headAt, headOf, type FactHead } from './fact-heads.ts'
import { readKnown, type KnownFacts, type Knowing } from './known.ts'

/**
 * Goes through what was known of one partition of facts, and looks at no more than what each begins with. `hear` is told that, in order; `name`:
 * nothing else was run under it in `scratch`.
 */
export function survey(name: string, facts: Knowing, hear: (head: FactHead) => void): Promise<KnownFacts> {
  return readKnown(facts, {
    type: looker(name, hear),
    passes: (encoded) => {
      const head = headAt(encoded)
      if (head !== null) hear(head)
      return head !== null
    },
  })
}

/** Hears of what could not be read off its bytes, as it was written by another schema or came in parts. */
function looker(name: string, hear: (head: FactHead) => void): ProcessorType {
  const processor: Processor<'facts'> = {
    process(_context, record) {
      const head = headOf(record)
      if (head !== null) hear(head)
    },
    slice: () => false,
  }
  const type: ProcessorType<'facts'> = { name, input: 'facts', outputs: ['dead-letters'], version: 1, stateFormat: 1, create: () => processor }
  return type
}
