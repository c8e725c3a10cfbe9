import type { z } from 'zod'
import { ActionLogRecord, ActionRecord } from './actions.ts'
import { FactRecord } from './facts.ts'
import { IntentRecord } from './intent.ts'
import { RawRecord } from './raw.ts'
import { AccessRecord, CommandRecord, DeadLetterRecord, FindingRecord, LagRecord, RulingRecord, SyncRunRecord } from './results.ts'

/** Every topic: what a message of it may hold, and whether messages are chunks of many records (`chunked`) or carry one each. */
export const topics = {
  raw: { record: RawRecord, chunked: true },
  intent: { record: IntentRecord, chunked: true },
  facts: { record: FactRecord, chunked: true },
  access: { record: AccessRecord, chunked: true },
  findings: { record: FindingRecord, chunked: false },
  lag: { record: LagRecord, chunked: true },
  'sync-runs': { record: SyncRunRecord, chunked: false },
  'dead-letters': { record: DeadLetterRecord, chunked: false },
  rulings: { record: RulingRecord, chunked: false },
  commands: { record: CommandRecord, chunked: false },
  actions: { record: ActionRecord, chunked: false },
  'action-log': { record: ActionLogRecord, chunked: false },
} as const satisfies Record<string, { record: z.ZodDiscriminatedUnion; chunked: boolean }>

export type Topic = keyof typeof topics
export type RecordOf<T extends Topic> = z.infer<(typeof topics)[T]['record']>
export type AnyRecord = RecordOf<Topic>
export const topicNames = Object.keys(topics) as Topic[]
