import { writeSync } from 'node:fs'
import { acquireLock } from '../../../src/adapters/log-embedded/process-lock.ts'

/** Takes the lock, says so, and keeps it until it is killed. */
acquireLock(process.argv[2]!)
writeSync(1, 'held\n')
setInterval(() => undefined, 60_000)
