import type { Append, Message, TaskStore } from '../../src/ports/log.ts'

/** Messages and rows as texts. */

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (value: Uint8Array | undefined): string | undefined => (value === undefined ? undefined : new TextDecoder().decode(value))
export const append = (value: string, place: Partial<Append> = {}): Append => ({ topic: 'raw', partition: 0, key: 'k', timestamp: 1, value: bytes(value), ...place })
export const values = (messages: readonly Message[]): (string | undefined)[] => messages.map((message) => text(message.value))
export const rows = (task: TaskStore, prefix = '', after?: string): [string, string | undefined][] =>
  [...task.state.range(prefix, after)].map(([key, value]) => [key, text(value)])
export const setRows = (task: TaskStore, entries: Record<string, string | null>): Promise<unknown> =>
  task.commit({ appends: [], state: new Map(Object.entries(entries).map(([key, value]) => [key, value === null ? null : bytes(value)])) })
