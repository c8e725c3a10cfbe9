import { readFileSync } from 'node:fs'

/** `started` tells a process from a later one with the same pid, where the system says (Linux); null elsewhere. */
interface ProcessLife {
  pid: number
  started: string | null
}

export const thisLife = (): ProcessLife => ({ pid: process.pid, started: statOf(process.pid)?.started ?? null })

/** It runs, or may run. One that has ended counts as ended also where nobody has asked how (a zombie, as in containers without an init). */
export function isAlive({ pid, started }: ProcessLife): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and belongs to somebody else
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = statOf(pid)
  return now === null ? started === null : !'ZX'.includes(now.state) && (started === null || started === now.started)
}

/** Of /proc/<pid>/stat (proc(5)), behind the command's closing parenthesis: field 3, the state, and 22, clock ticks since boot. */
function statOf(pid: number): { state: string; started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, started: fields[19]! }
  } catch {
    return null
  }
}
