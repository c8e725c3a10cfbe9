/** What the embedded engine has a handler for: a process that gets one of them is at its end, or (the last) is sent to the background. */
const taken = ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP', 'SIGTSTP'] as const

/**
 * Gives these signals back to the system. The engine's handler waits five minutes for a thread of its server to print a trace, which nobody has here: a
 * process that ran out of memory stood still for so long, with its locks and ports, before it died. A listener that is taken off leaves no handler behind.
 */
export function leaveFatalSignals(): void {
  const listener = (): void => undefined
  for (const signal of taken) process.on(signal, listener).off(signal, listener)
}
