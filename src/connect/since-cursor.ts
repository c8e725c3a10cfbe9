import { z } from 'zod'
import { ConnectError } from '../ports/connector.ts'

/** A cursor of changes that are asked for by time: up to when they were read, ms of the source's own clock, and what of the last while before was told already. */
const SinceCursor = z.strictObject({ since: z.int(), seen: z.array(z.string()) })
type SinceCursor = z.infer<typeof SinceCursor>

export const cursorText = (cursor: SinceCursor): string => JSON.stringify(cursor)

/** Throws ConnectError `fatal` where the text is not one that `cursorText` wrote. */
export function parseCursor(text: string): SinceCursor {
  try {
    return SinceCursor.parse(JSON.parse(text))
  } catch (error) {
    throw new ConnectError('fatal', 'the cursor of changes is not one that this connector wrote; begin again without one', 'changes', { cause: error })
  }
}
