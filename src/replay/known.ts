import type { Codec } from '../ports/codec.ts'
import type { Log } from '../ports/log.ts'
import type { Encoded, ProcessorType } from '../ports/processor.ts'
import { rerun } from './rerun.ts'

/** How far one partition of facts was known. */
export interface KnownFacts {
  partition: number
  /** of the first record that was not known yet */
  offset: number
  /** of the partition, whatever of it was known; `offset`, where all of it was */
  end: number
  /** the time that was reached, ms; 0: nothing was known */
  now: number
}

export interface FactsProgress {
  partition: number
  /** that is read next */
  offset: number
  /** of the partition, whatever of it was known */
  end: number
}

export interface Knowing {
  log: Log
  codec: Codec
  /** an empty log with the same partition counts that may be thrown away: the states of the re-run go there */
  scratch: Log
  partition: number
  /** what is known: everything processed before the first tick later than this, ms */
  untilMs: number
  onProgress: (progress: FactsProgress) => void
}

export interface Reader {
  /** under a name that nothing else of this partition had in `scratch` */
  type: ProcessorType
  /** records that it is done with by their bytes; default: none is */
  passes?: (encoded: Encoded) => boolean
  /** asked before each record: whether it needs none any more; default: it needs all */
  isEnough?: () => boolean
}

/** What was known of one partition of facts is given to a processor. */
export async function readKnown({ log, codec, scratch, partition, untilMs, onProgress }: Knowing, { type, passes, isEnough = () => false }: Reader): Promise<KnownFacts> {
  const end = await log.end('facts', partition)
  const known: KnownFacts = { partition, offset: end, end, now: 0 }
  await rerun({
    type, partition, log, codec, scratch, end,
    ...(passes === undefined ? {} : { passes }),
    admit: ({ now, position }) => {
      if (now > untilMs) known.offset = position.offset
      else known.now = now
      return now <= untilMs && !isEnough()
    },
    onDerived: () => Promise.resolve(true),
    onProgress: (offset) => onProgress({ partition, offset, end }),
  })
  return known
}
