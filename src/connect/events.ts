import type { WriteVerdict } from '../../schemas/wire/actions.ts'
import type { HttpWait, RequestReport } from './http.ts'
import type { RunResult } from './run-result.ts'

/** What the connector runtime tells whoever watches it (health, log). Never carries content of records or secrets. */
export type ConnectEvent =
  | { event: 'run'; source: string; result: RunResult; nextInMs: number }
  | { event: 'wait'; source: string; wait: HttpWait }
  | { event: 'request'; source: string; report: RequestReport }
  | { event: 'reread'; source: string; accounts: number }
  | { event: 'write'; source: string; account: string; verdict: WriteVerdict; reason: string | null }
  /** `taken`: deliveries that were new; `lastAt`: when the last one of all came, ms; `silent`: for longer than is expected; `missing`: numbers of the sequence that did not come yet */
  | { event: 'deliveries'; source: string; taken: number; lastAt: number; silent: boolean; missing: number }
  | { event: 'problem'; source: string; doing: string; reason: string; nextInMs: number | null }

export type OnEvent = (event: ConnectEvent) => void
