/** How far a part of the work is. */
export interface Look {
  /** all its input is processed, and no output is left for another part */
  resting: boolean
  /** grows with every record but ticks and epochs, and with every commit that wrote outputs */
  work: number
  /** the latest time at which one of its tasks stands, as far as the clock knows of it, ms */
  latestMs: number
  /** the earliest at which one stands whose time goes on, ms */
  earliestMs: number
  /** grows with everything that could make a look turn out otherwise */
  changes: number
}

/** Tasks that run together: those of a process, or of one of its threads. */
export interface Part {
  /** Rejects where a task has failed or all were stopped. */
  look(): Promise<Look>
  /** Its tasks that stand earlier go on to the present time at once. */
  hurry(ms: number): void
  /** Resolves when its changes are not `since` any more. */
  changed(since: number): Promise<void>
}

/**
 * Resolves when every part rests in two looks without any work between them. No task stands at an earlier time than another did when
 * all came to rest: what one says has ended, another has not still to wait for. Rejects where a look does.
 */
export async function untilDrained(parts: readonly Part[]): Promise<void> {
  let rested = -1
  let time = { of: -1, ms: 0 }
  for (;;) {
    const looks = await Promise.all(parts.map((part) => part.look()))
    const work = looks.reduce((sum, look) => sum + look.work, 0)
    const resting = looks.every((look) => look.resting)
    if (resting && time.of !== work) {
      time = { of: work, ms: Math.max(...looks.map(({ latestMs }) => latestMs)) }
      for (const part of parts) part.hurry(time.ms)
    }
    if (resting && looks.every(({ earliestMs }) => earliestMs >= time.ms)) {
      if (rested === work) return
      rested = work
      continue
    }
    rested = -1
    await Promise.race(parts.map((part, i) => part.changed(looks[i]!.changes)))
  }
}
