import type { ReplayOptions } from '../../src/replay/replay.ts'

export type Question = Pick<ReplayOptions, 'app' | 'account' | 'identity'>

export const partitionCount = 4

export interface Answered {
  seconds: number
  cpuSeconds: number
  /** anonymous, of the process, at its highest */
  memoryMb: number
  /** of access, that the answer rests on */
  changes: number
  grants: number
}
