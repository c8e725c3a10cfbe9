import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verify } from '../../src/cli/verify.ts'
import type { Grantline } from '../../src/compose.ts'
import { wholeText } from '../../src/reports/held-text.ts'
import { startKafka, type KafkaCluster } from '../services/kafka.ts'
import { Acme, answers, nameOf, openFindings } from './acme.ts'

/** an ordinary day, noon UTC */
const day = Date.UTC(2026, 10, 23, 12)

let cluster: KafkaCluster
let embedded: Acme
let onKafka: Acme
beforeAll(async () => {
  cluster = await startKafka()
  embedded = await Acme.open(day, { corrects: false })
  onKafka = await Acme.open(day, { corrects: false, more: `kafka:\n  brokers: ${JSON.stringify(cluster.brokers)}\n  prefix: acme-${randomUUID()}.\n` })
}, 300_000)
afterAll(async () => {
  await embedded.close()
  await onKafka.close()
  await cluster.stop()
})

type Row = Record<string, unknown>

/** What a report says, without where and when it came about. */
async function content({ api }: Grantline, report: string, filters: Record<string, string> = {}): Promise<Row[]> {
  const rows = JSON.parse(await wholeText((await api.report(report, { limit: '1000000', ...filters }, 'json', 0)).text)) as Row[]
  const passing = new Set(['position', 'since', 'observed', 'decided', 'valid'])
  const kept = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !passing.has(name))))
  return kept.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** What stands at the end. What came and went on the way depends on what was read first, on either log. */
const everything = async (grantline: Grantline): Promise<Record<string, unknown>> => ({
  open: (await openFindings(grantline)).map((finding) => `${finding.id} ${nameOf(finding)}`).sort(),
  access: await content(grantline, 'access'),
  // of each log a source has another key for the ids of its letters
  letters: (await content(grantline, 'dead-letters', { state: 'all' })).map(({ id: _id, ...letter }) => letter),
})

describe('examples/acme on Kafka', () => {
  it('gives the open findings and the effective access that it gives embedded; on both, log and tables are what verify derives', { timeout: 1_200_000 }, async () => {
    const expected = await embedded.once(everything)
    const found = await onKafka.once(async (grantline) => ({ all: await everything(grantline), names: (await openFindings(grantline)).map(nameOf).sort() }))
    expect(found.names).toEqual(answers('answers.csv'))
    expect(found.all).toEqual(expected)
    expect((expected['access'] as Row[]).length).toBeGreaterThan(5_000)
    expect(onKafka.troubles).toEqual([])
    for (const acme of [embedded, onKafka]) await verify(join(acme.directory, 'grantline.yaml'), {})
  })

  it('a second process on the same topics, with tables and state directory of its own, says the same from what is recorded', { timeout: 600_000 }, async () => {
    const before = await onKafka.once(everything)
    const again = await onKafka.elsewhere().once(everything)
    expect(again['open']).toEqual(before['open'])
    expect(again['access']).toEqual(before['access'])
  })
})
