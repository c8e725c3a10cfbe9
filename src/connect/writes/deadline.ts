import { AsyncLocalStorage } from 'node:async_hooks'

const deadlines = new AsyncLocalStorage<AbortSignal>()

/** Makes a call of a write side: whatever it asks of the application ends with `deadline`, and what it asks later is refused. */
export const callUntil = <T>(deadline: AbortSignal, call: () => Promise<T>): Promise<T> => deadlines.run(deadline, call)

/** When the right to write may have passed to another process; undefined outside of a write call. The platform's HTTP client keeps to it by itself. */
export const callDeadline = (): AbortSignal | undefined => deadlines.getStore()
