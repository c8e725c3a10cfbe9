import { setTimeout as sleep } from 'node:timers/promises'

/** Ends early, and quietly, when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return
  await sleep(ms, undefined, { signal }).catch((reason: unknown) => {
    if (!signal.aborted) throw reason
  })
}
