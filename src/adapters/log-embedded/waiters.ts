import type { Topic } from '../../../schemas/wire/topics.ts'

/** Who waits for which partition to grow. */
export class Waiters {
  readonly #waiting = new Map<string, Set<{ offset: number; wake: () => void }>>()

  /** Resolves when `grew` says that the partition ends beyond `offset`, when `signal` aborts, or at `wakeAll`. */
  wait(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    const place = `${topic} ${partition}`
    const waiting = this.#waiting.get(place) ?? new Set()
    this.#waiting.set(place, waiting)
    return new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(waiter)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const waiter = { offset, wake }
      waiting.add(waiter)
      signal.addEventListener('abort', wake)
    })
  }

  grew(topic: Topic, partition: number, end: number): void {
    for (const waiter of [...(this.#waiting.get(`${topic} ${partition}`) ?? [])]) if (end > waiter.offset) waiter.wake()
  }

  wakeAll(): void {
    for (const waiting of this.#waiting.values()) for (const waiter of [...waiting]) waiter.wake()
  }
}
