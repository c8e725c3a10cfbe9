import { z } from 'zod'
import type { Message } from '../ports/log.ts'

/** One message of a partition, one line: its value is framed Avro in Base64. */
const MessageLine = z.strictObject({ offset: z.int().nonnegative(), timestamp: z.number(), key: z.string().nullable(), value: z.base64() })

/** One row of a task's state, one line. */
const RowLine = z.strictObject({ task: z.string(), key: z.string(), value: z.base64() })

export interface Row {
  task: string
  key: string
  value: Uint8Array
}

export const messageLine = ({ offset, timestamp, key, value }: Message): string => line({ offset, timestamp, key, value: base64(value) } satisfies z.infer<typeof MessageLine>)

export const rowLine = ({ task, key, value }: Row): string => line({ task, key, value: base64(value) } satisfies z.infer<typeof RowLine>)

/** Throws where it is no such line. */
export function parseMessage(text: string): Message {
  const parsed = MessageLine.parse(JSON.parse(text))
  return { ...parsed, value: Buffer.from(parsed.value, 'base64') }
}

/** Throws where it is no such line. */
export function parseRow(text: string): Row {
  const parsed = RowLine.parse(JSON.parse(text))
  return { ...parsed, value: Buffer.from(parsed.value, 'base64') }
}

const line = (content: unknown): string => `${JSON.stringify(content)}\n`
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
