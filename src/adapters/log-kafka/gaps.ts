/**
 * For each place, a stretch of offsets known to hold nothing that a reader sees: markers of transactions, aborted records, what
 * compaction took. Without it, whoever stands before a marker at the end would be woken by it again and again.
 */
export class Gaps {
  readonly #gaps = new Map<string, { from: number; to: number }>()

  /** Nothing is visible in [from, to). */
  note(place: string, from: number, to: number): void {
    if (from >= to) return
    const known = this.#gaps.get(place)
    if (known !== undefined && known.from <= from && from <= known.to) known.to = Math.max(known.to, to)
    else this.#gaps.set(place, { from, to })
  }

  /** The first offset from `offset` on that may hold something. */
  skip(place: string, offset: number): number {
    const gap = this.#gaps.get(place)
    return gap !== undefined && gap.from <= offset && offset < gap.to ? gap.to : offset
  }
}
