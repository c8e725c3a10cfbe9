import { readFileSync } from 'node:fs'

/** Who runs a server where we are root: the first of these that the machine knows. */
const names = ['postgres', 'nobody']

/** Null: as we are, who are not root. */
export function unprivileged(program: string): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':'))
  for (const name of names) {
    const found = accounts.find((fields) => fields[0] === name)
    if (found !== undefined) return { uid: Number(found[2]), gid: Number(found[3]) }
  }
  throw new Error(`${program} is not to run as root, and there is no user ${names.join(' or ')} to run it as`)
}
