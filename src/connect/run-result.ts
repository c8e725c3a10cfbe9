import type { ClassManifest, Verdict } from '../../schemas/wire/common.ts'
import type { UnknownApp } from '../../schemas/wire/results.ts'
import type { ConnectError } from '../ports/connector.ts'
import type { ShapeChange } from './shape.ts'

/** What a run of an application or feed came to. */
export interface RunResult {
  run: number
  verdict: Verdict
  reason: string | null
  place: string | null
  classes: ClassManifest[]
  /** answered by the source, over all streams */
  pages: number
  /** what broke the run or one of its streams: it should be tried again soon */
  error: ConnectError | null
  /** how rows differ from those of the last complete read */
  shapeChanges: ShapeChange[]
  /** what rows of a feed name and the config file never had; null: an application's run */
  unknownApps: UnknownApp[] | null
}
