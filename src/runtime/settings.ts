import { z } from 'zod'
import { canonical, digest } from '../core/canonical.ts'
import type { Outgoing, Publisher } from './publisher.ts'

export type SettingTopic = 'raw' | 'intent' | 'facts' | 'actions'

interface SettingValue {
  name: string
  value: unknown
  /** topics whose processors use it */
  topics: readonly SettingTopic[]
}

const Published = z.strictObject({ revision: z.int(), digest: z.string(), topics: z.array(z.string()) })

const keyOf = (name: string): string => `setting/${name}`

/**
 * Publishes what differs from what this publisher published last, all of it in one transaction. A revision grows with the value only: a
 * topic that is new to a setting gets the revision that the others have. Throws where a setting is given twice.
 */
export async function publishSettings(publisher: Publisher, settings: readonly SettingValue[]): Promise<void> {
  const outgoing: Outgoing[] = []
  const checkpoint = new Map<string, unknown>()
  for (const { name, value, topics } of settings) {
    if (checkpoint.has(keyOf(name))) throw new Error(`setting ${name} is given twice; give each setting once, with all its topics`)
    const text = canonical(value)
    const stored = publisher.get(keyOf(name))
    const last = stored === undefined ? { revision: 0, digest: '', topics: [] } : Published.parse(stored)
    const same = last.digest === digest(text)
    const known = new Set(same ? last.topics : [])
    const missing = topics.filter((topic) => !known.has(topic))
    if (missing.length === 0) continue
    const revision = same ? last.revision : last.revision + 1
    const record = { type: 'Setting' as const, name, revision, digest: digest(text), value: text }
    for (const topic of missing) outgoing.push({ topic, key: null, record })
    checkpoint.set(keyOf(name), { revision, digest: record.digest, topics: [...known, ...missing] })
  }
  if (outgoing.length > 0) await publisher.publish(outgoing, checkpoint)
}
