import { z } from 'zod'

const Kept = z.strictObject({ version: z.literal(1), cursors: z.array(z.strictObject({ cursor: z.string(), at: z.number() })) })
type KeptCursors = z.infer<typeof Kept>

/**
 * Where an application's changes are asked for next. A change may become visible a while after its own time, behind a cursor that was
 * given meanwhile; so the next question begins at the newest cursor that was, when the last was given, already older than the lag. What is
 * told twice is read twice; what is told late is not missed.
 */
export class ChangeCursors {
  readonly #lagMs: number
  readonly #cursors: KeptCursors['cursors']

  /** `kept`: from the checkpoint. What is of another version is not understood, and changes are asked for from now on. */
  constructor(kept: unknown, lagMs: number) {
    this.#lagMs = lagMs
    this.#cursors = Kept.safeParse(kept).data?.cursors ?? []
  }

  /** null: from now on */
  get from(): string | null {
    return this.#cursors[0]?.cursor ?? null
  }

  /** What to keep after an answer to a question asked at `at` (ms since 1970); null where nothing changes. */
  after(cursor: string, at: number): KeptCursors | null {
    const all = [...this.#cursors, { cursor, at }]
    const begin = Math.max(0, all.findLastIndex((one) => one.at <= at - this.#lagMs))
    const cursors = all.slice(begin)
    const isSame = cursors.every((one) => one.cursor === cursor) && this.#cursors.length > 0 && this.#cursors.every((one) => one.cursor === cursor)
    return isSame ? null : { version: 1, cursors: cursors.filter((one, index) => index === 0 || one.cursor !== cursors[index - 1]?.cursor) }
  }
}
