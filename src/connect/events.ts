import type { WriteVerdict } from '../../schemas/wire/actions.ts'
import type { HttpWait, RequestReport } from './http.ts'
import type { RunResult } from './run.ts'

/** What the connector runtime tells whoever watches it (health, log). Never carries content of records or secrets. */
export type ConnectEvent =
  | { event: 'run'; source: string; result: RunResult; nextInMs: number }
  | { event: 'wait'; source: string; wait: HttpWait }
  | { event: 'request'; source: string; report: RequestReport }
  | { event: 'reread'; source: string; accounts: number }
  | { event: 'write'; source: string; account: string; verdict: WriteVerdict; reason: string | null }
  | { event: 'problem'; source: string; doing: string; reason: string; nextInMs: number | null }

export type OnEvent = (event: ConnectEvent) => void
