import type { Log } from '../../src/ports/log.ts'
import { verifyLog, type VerifyOptions, type VerifyReport } from '../../src/replay/verify-log.ts'
import { types } from './history.ts'
import { codec, scratch } from './logs.ts'

export const verify = (of: Log, more: Partial<VerifyOptions> = {}): Promise<VerifyReport> => verifyLog({ log: of, codec, types, scratch: scratch(), ...more })
