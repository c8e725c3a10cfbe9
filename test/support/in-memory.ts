import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'

const memory = '/dev/shm'
/** A scene with a broker, its registry, an engine and its processes takes some 50 MB; three suites run at a time. */
const enoughBytes = 3 * 2 ** 30

/**
 * Temporary directories are in memory where there is enough of it: brokers, tables and logs are made and removed by the hundred, and on
 * a disk that takes a sixth of all CPU time. A kill costs no more than on a disk; what a power cut would cost no suite tries. `TMPDIR`
 * names another place.
 */
export default function setup(): (() => void) | undefined {
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return undefined
  const directory = mkdtempSync(`${memory}/grantline-tests-`)
  chmodSync(directory, 0o711) // PostgreSQL and slapd run as another user, who has to get to what is theirs
  process.env['TMPDIR'] = directory
  return () => rmSync(directory, { recursive: true, force: true })
}

/** Servers that are programs of other people load libraries from their temporary directory. */
function hasRoom(): boolean {
  if (!existsSync(memory)) return false
  const options = readFileSync('/proc/mounts', 'utf8').split('\n').map((line) => line.split(' ')).find(([, place]) => place === memory)?.[3]
  if (options === undefined || options.split(',').includes('noexec')) return false
  const { bavail, bsize } = statfsSync(memory)
  return Math.min(bavail * bsize, process.availableMemory()) >= enoughBytes
}
