import { z } from 'zod'
import type { PostResult } from '../connect/feeds/post.ts'
import type { Incoming } from '../connect/webhooks/signature.ts'
import type { ActionRow } from '../reports/actions.ts'
import type { DeadLetterRow, OpenLetters } from '../reports/dead-letters.ts'
import type { FindingRow } from '../reports/findings.ts'
import type { Format } from '../reports/format.ts'
import type { TextPieces } from '../reports/held-text.ts'
import type { Paused } from '../reports/paused.ts'
import type { Summary } from '../reports/summary.ts'
import type { NamingFilter } from '../reports/unknown-names.ts'
import type { Unproven } from '../reports/unproven.ts'
import type { ActionRequest } from './actions.ts'
import type { ConnectorHealth } from './connectors.ts'
import type { Step } from './explain.ts'
import type { LetterDecision } from './letters.ts'

/** What can be asked of grantline, in this process or over HTTP: the same answers either way. */
export interface Api {
  /** A named report; `filters` by name, as typed on a command line. `width`: columns of the terminal. */
  report(name: string, filters: Filters, format: Format, width: number): Promise<ReportAnswer>
  summary(): Promise<Summary>
  /** How every application and feed is doing. */
  connectors(): Promise<ConnectorHealth[]>
  /** `id`: a finding's id or an unambiguous beginning of it */
  explain(id: string): Promise<Explanation>
  /** One dead letter with everything known of it. `id`: its id or an unambiguous beginning of it */
  letter(id: string): Promise<DeadLetterRow>
  /** Reads the letter's object again, or puts it aside for good; answers in a sentence what was done. */
  decideLetter(id: string, decision: LetterDecision): Promise<string>
  /** Every change of one action, oldest first, each with the way back to what made it. `id`: its id or an unambiguous beginning of it */
  action(id: string): Promise<ActionStep[]>
  /** Approves, rejects or releases; answers how many decisions were recorded. */
  decideActions(request: ActionRequest): Promise<number>
  /** A snapshot of this application begins as soon as its worker is free. */
  sync(app: string): Promise<void>
  rule(ruling: RulingRequest): Promise<void>
  /** A webhook of an application, as it came: verified, and kept before this resolves. Throws ApiError 401 where it is not the application's. */
  deliver(app: string, incoming: Incoming): Promise<void>
  /** Intent records of one feed, each as a file of that feed would have it. */
  post(feed: string, rows: readonly unknown[]): Promise<PostResult>
}

interface ReportAnswer {
  /** read once */
  text: TextPieces
  /** the limit, where there are more rows than that; null: these are all */
  cutAt: number | null
  /** filters that name what the tables never held, where it found nothing: it may be spelt otherwise */
  unknown: readonly NamingFilter[]
  /** where it rests on what was read: sources that had not been read completely by the time in question */
  unproven: readonly Unproven[]
  /** where it rests on what was read: sources that nobody reads any more, nor did at the time in question */
  paused: readonly Paused[]
  /** topics of which the log has what the tables do not hold yet, where nothing runs that would bring it in */
  behind: readonly string[]
  /** what was read and is not in it: open dead letters of the sources it rests on; none: everything that was read */
  deadLetters: OpenLetters[]
}

export type Filters = Readonly<Record<string, string>>

export interface Explanation {
  finding: FindingRow
  history: FindingRow[]
  because: Step[]
  /** what was done about it, oldest first */
  actions: ActionStep[]
  /** as of a report about its application */
  paused: Paused[]
  /** as of a report: what was read of its application and is not in it */
  deadLetters: OpenLetters[]
}

/** One change of an action and the way back to what made it. */
export interface ActionStep {
  action: ActionRow
  because: Step[]
}

export const RulingRequest = z.strictObject({
  source: z.string().min(1),
  kind: z.enum(['release', 'baseline', 'retire']),
  run: z.int().nullable().default(null),
  by: z.string().min(1).describe('who decided'),
  reason: z.string().min(1).describe('why'),
})
export type RulingRequest = z.infer<typeof RulingRequest>
