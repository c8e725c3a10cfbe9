/** The brokers' clock: what their last answer to a write said, and the time since. */
export class BrokersClock {
  #told = { ms: 0, atMonotonicMs: 0, atWallMs: 0 }

  /** `ms`: the append time of something that was written just now. */
  told(ms: number): void {
    this.#told = { ms, atMonotonicMs: performance.now(), atWallMs: Date.now() }
  }

  /** ms. Of two clocks the one that went further: one may stand while the machine sleeps, the other may be set back. */
  nowMs(): number {
    const { ms, atMonotonicMs, atWallMs } = this.#told
    return ms + Math.max(performance.now() - atMonotonicMs, Date.now() - atWallMs)
  }
}
