import type { SinkEvent } from '../sink/partition-sink.ts'

/** An attempt to insert may take so long before it is known to fail again, ms. */
const attemptMs = 60_000

/** What keeps rows out of the tables now. */
export class SinkTroubles {
  /** by place: what it is, and until when that is believed, ms of the monotonic clock */
  readonly #places = new Map<string, { says: string; until: number }>()

  /** `nowMs`: of the monotonic clock. */
  hear(event: SinkEvent, nowMs: number): void {
    const place = `sink of ${event.topic}/${event.partition}`
    if (event.event === 'failed') this.#places.set(place, { says: event.error.message, until: nowMs + event.retryMs + attemptMs })
    if (event.event === 'inserted') this.#places.delete(place)
  }

  /** A line for each place. One that failed and has nothing to insert any more is well again when its next attempt would have failed. */
  lines(nowMs: number): string[] {
    for (const [place, { until }] of this.#places) if (until < nowMs) this.#places.delete(place)
    return [...this.#places].map(([place, { says }]) => `${place}: ${says}`)
  }
}
