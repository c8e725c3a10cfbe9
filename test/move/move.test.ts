import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { fileNumbers } from '../../src/adapters/codec/file-numbers.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import type { Topic } from '../../schemas/wire/topics.ts'
import type { MoveProgress } from '../../src/move/errors.ts'
import { exportLog, type Moved } from '../../src/move/export-log.ts'
import { importLog } from '../../src/move/import-log.ts'
import { manifestFile, sumsFile, type Manifest } from '../../src/move/manifest.ts'
import type { ProcessorType } from '../../src/ports/processor.ts'
import { replayUntil } from '../../src/replay/replay.ts'
import { verifyLog } from '../../src/replay/verify-log.ts'
import { partitionsOf, record, types, dayMs } from '../replay/history.ts'
import { partitions, scratch } from '../replay/logs.ts'
import { startOfTime, Topology } from '../support/topology.ts'
import { contentsOf, filesOf, type Contents } from './contents.ts'

const ignored = (): void => undefined
const exportFrom = (log: EmbeddedLog, directory: string, now = 1, onProgress: (progress: MoveProgress) => void = ignored): Promise<unknown> =>
  exportLog({ log, numbers: fileNumbers(log.schemas), directory, release: 'test', now, onProgress })
const importInto = (log: EmbeddedLog, directory: string): Promise<Moved> => importLog({ log, numbers: fileNumbers(log.schemas), directory, onProgress: ignored })
const child = fileURLToPath(new URL('import-child.ts', import.meta.url))

let base: string
let source: EmbeddedLog
let recorded: Contents
/** an export that nobody alters */
let exported: string
const openAt = (name: string): Promise<EmbeddedLog> => openEmbeddedLog({ path: join(base, name), partitions, durability: 'process' })

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'grantline-move-'))
  source = await openAt('source')
  const codec = createFileCodec(source.schemas)
  await record(new Topology({ types, log: source, codec }))
  recorded = await contentsOf(source)
  exported = join(base, 'export')
  await exportFrom(source, exported, 1)
}, 120_000)
afterAll(async () => {
  await source.close()
  rmSync(base, { recursive: true, force: true })
})

describe('a log that was exported and imported', () => {
  it('has every message at its offset, every end and every state; verify holds, and the past is answered alike', async () => {
    await using target = await opened('whole')
    const moved = await importInto(target.log, exported)
    const found = await contentsOf(target.log)
    expect(found).toEqual(recorded)
    expect(Object.keys(recorded.states)).toEqual(expect.arrayContaining(['publisher/topology', 'task/entitle/0', 'task/reconcile/2', 'task/remediate/1']))
    expect(moved.messages).toBe(Object.values(recorded.messages).flat().length)
    const codec = createFileCodec(target.log.schemas)
    const report = await verifyLog({ log: target.log, codec, types, scratch: scratch() })
    expect(report.holds, JSON.stringify(report.tasks.filter(({ difference }) => difference !== null))).toBe(true)
    expect(report.tasks.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(200)
    const judge = reconcile as unknown as ProcessorType
    for (const day of [1.5, 2.5, 4.5]) {
      const past = { judge, untilMs: startOfTime + day * dayMs }
      const answer = await replayUntil({ log: target.log, codec, scratch: scratch(), ...past })
      expect(answer).toEqual(await replayUntil({ log: source, codec: createFileCodec(source.schemas), scratch: scratch(), ...past }))
      expect(answer.access.length).toBeGreaterThan(5)
    }
  })

  it('goes on: its tasks read on where they stood, and verify holds over what they add', async () => {
    await using target = await opened('goes-on')
    await importInto(target.log, exported)
    const codec = createFileCodec(target.log.schemas)
    const topology = new Topology({ types, log: target.log, codec })
    await topology.advance(30 * dayMs)
    expect(await target.log.end('facts', 0)).toBeGreaterThan(recorded.ends['facts/0']!)
    expect((await verifyLog({ log: target.log, codec, types, scratch: scratch() })).holds).toBe(true)
  })

  it('may be exported again, to the same lines; sha256sum agrees with its digests', async () => {
    await using target = await opened('again')
    await importInto(target.log, exported)
    const directory = join(base, 'export-again')
    await exportFrom(target.log, directory, 1)
    expect(filesOf(directory)).toEqual(filesOf(exported))
    expect(spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: directory, encoding: 'utf8' })).toMatchObject({ status: 0 })
  })
})

describe('an export of a release that had fewer topics', () => {
  it('is taken: a topic that came later is empty, and what is written there then stays at its place', async () => {
    const directory = join(base, 'older')
    cpSync(exported, directory, { recursive: true })
    forget(directory, 'rulings')
    await using target = await opened('older')
    await importInto(target.log, directory)
    const isNew = (place: string): boolean => place.startsWith('rulings/')
    const expected = (of: object, empty: unknown): unknown => Object.fromEntries(Object.entries(of).map(([place, all]) => [place, isNew(place) ? empty : all]))
    expect(Object.entries(recorded.ends).some(([place, end]) => isNew(place) && end > 0)).toBe(true)
    expect(await contentsOf(target.log)).toEqual({ ...recorded, messages: expected(recorded.messages, []), ends: expected(recorded.ends, 0) })
    const codec = createFileCodec(target.log.schemas)
    const topology = new Topology({ types, log: target.log, codec })
    const record = { type: 'Ruling' as const, source: 'hr', kind: 'retire' as const, run: null, by: 'eve', reason: 'sold', at: startOfTime }
    await topology.publish({ topic: 'rulings', key: 'hr', record })
    const ends = await Promise.all(Array.from({ length: target.log.partitions.rulings }, (_, partition) => target.log.end('rulings', partition)))
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(1)
  })

  it('is refused where it has a topic without one of its partitions', async () => {
    const directory = join(base, 'gap')
    cpSync(exported, directory, { recursive: true })
    change(directory, (manifest) => ({ ...manifest, files: manifest.files.filter(({ file }) => file !== 'rulings-1.ndjson.zst') }))
    await using target = await opened('gap')
    await expect(importInto(target.log, directory)).rejects.toThrow(/lacks partition 1 of rulings: export again/)
  })
})

describe('an import that is killed', () => {
  for (const [place, nth] of [['checking states', 1], ['raw/1', 1], ['actions/0', 1], ['action-log/2', 1], ['state of', 2], ['state of', 5]] as const) {
    it(`at ${place} (${nth}) goes on when it is run again, and doubles nothing`, async () => {
      const path = join(base, `killed-${place.replace(/\W/g, '-')}-${nth}`)
      const { signal, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', child, path, exported, place, String(nth)], { encoding: 'utf8' })
      expect(signal, stderr).toBe('SIGKILL')
      const log = await openEmbeddedLog({ path, partitions, durability: 'process' })
      try {
        expect(log.filling === null).toBe(place === 'checking states')
        await importInto(log, exported)
        expect(log.filling).toBeNull()
        expect(await contentsOf(log)).toEqual(recorded)
      } finally {
        await log.close()
      }
    })
  }

  it('does not go on with another export', async () => {
    const path = join(base, 'another')
    expect(spawnSync(process.execPath, [child, path, exported, 'raw/1', '1']).signal).toBe('SIGKILL')
    const other = join(base, 'other-export')
    await exportFrom(source, other, 2)
    const log = await openEmbeddedLog({ path, partitions, durability: 'process' })
    await expect(importInto(log, other)).rejects.toThrow(/being filled with another export/)
    await log.close()
  })
})

describe('refused, with nothing written', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(base, 'altered-'))
    cpSync(exported, directory, { recursive: true })
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const refusal = async (): Promise<string> => {
    await using target = await opened('empty')
    const error = await importInto(target.log, directory).then(() => null, (reason: unknown) => reason as Error)
    expect(target.log.filling).toBeNull()
    expect(Object.values((await contentsOf(target.log)).ends).every((end) => end === 0)).toBe(true)
    return error?.message ?? 'it was taken'
  }
  const alter = (file: string, change: (bytes: Buffer) => void): void => {
    const bytes = readFileSync(join(directory, file))
    change(bytes)
    writeFileSync(join(directory, file), bytes)
  }

  it('each file that is cut off, altered by one bit or missing, by its name', async () => {
    const files = readdirSync(directory).filter((file) => file.endsWith('.zst'))
    expect(files.length).toBeGreaterThan(20)
    for (const file of ['raw-1.ndjson.zst', 'findings-0.ndjson.zst', 'states.ndjson.zst']) {
      const path = join(directory, file)
      const whole = readFileSync(path)
      truncateSync(path, whole.length - 1)
      expect(await refusal()).toBe(`${path} is cut off: it has ${whole.length - 1} of ${whole.length} bytes. Copy it again, or export again`)
      writeFileSync(path, whole)
      alter(file, (bytes) => (bytes[bytes.length >> 1]! ^= 1))
      expect(await refusal()).toMatch(new RegExp(`^${path} was altered: its SHA-256 is`))
      writeFileSync(path, whole)
      appendFileSync(path, 'x')
      expect(await refusal()).toMatch(/was altered/)
      rmSync(path)
      expect(await refusal()).toMatch(new RegExp(`^${path} is missing`))
      writeFileSync(path, whole)
    }
    await using target = await opened('healed')
    await importInto(target.log, directory)
  })

  it('an altered manifest, and an export whose digests are missing or garbage', async () => {
    alter('manifest.json', (bytes) => (bytes[bytes.indexOf('"end": ') + 7] = 0x39))
    expect(await refusal()).toMatch(/manifest\.json was altered/)
    writeFileSync(join(directory, 'SHA256SUMS'), 'garbage\n')
    expect(await refusal()).toMatch(/SHA256SUMS line 1 is no digest and file/)
    writeFileSync(join(directory, 'SHA256SUMS'), '')
    expect(await refusal()).toMatch(/SHA256SUMS has no line for manifest\.json/)
    rmSync(join(directory, 'SHA256SUMS'))
    expect(await refusal()).toMatch(/has no SHA256SUMS, which is written last/)
  })

  it('other partition counts', async () => {
    const log = await openEmbeddedLog({ path: join(base, 'other-counts'), partitions: partitionsOf({}, 4), durability: 'process' })
    await expect(importInto(log, directory)).rejects.toThrow(/3 partitions of raw, the config file says 4.*Set partitions: 3/)
    await log.close()
  })

  it('a log that is not empty: one that holds messages, a finished import, or a state only', async () => {
    await expect(importInto(source, directory)).rejects.toThrow(/not empty: raw\/0 ends at/)
    await using target = await opened('finished')
    await importInto(target.log, directory)
    await expect(importInto(target.log, directory)).rejects.toThrow(/not empty/)
    await using stateful = await opened('stateful')
    await (await stateful.log.openTask('publisher/api')).commit({ appends: [], state: new Map([['a/b', new Uint8Array(1)]]) })
    await expect(importInto(stateful.log, directory)).rejects.toThrow(/not empty: publisher\/api has a state/)
  })

  it('an export into a directory that holds something, and one of a log that grows meanwhile, which is then no export', async () => {
    await expect(exportFrom(source, directory, 1)).rejects.toThrow(/is not empty/)
    await using target = await opened('growing')
    await importInto(target.log, directory)
    const growing = join(base, 'growing-export')
    let grown: Promise<unknown> | null = null
    const grow = async (): Promise<void> => {
      const late = await target.log.openTask('publisher/late')
      await late.commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: 1, value: new Uint8Array(5) }], state: new Map() })
    }
    const onProgress = ({ place }: { place: string }): void => {
      if (place === 'raw/0') grown ??= grow()
    }
    await expect(exportFrom(target.log, growing, 1, onProgress)).rejects.toThrow(/raw\/0 grew from \d+ to \d+ during the export/)
    expect(existsSync(join(growing, 'SHA256SUMS'))).toBe(false)
  })
})

async function opened(name: string): Promise<AsyncDisposable & { log: EmbeddedLog }> {
  const path = mkdtempSync(join(base, `${name}-`))
  const log = await openEmbeddedLog({ path, partitions, durability: 'process' })
  return { log, [Symbol.asyncDispose]: () => log.close() }
}

/** As if the release that wrote the export had had no such topic. */
function forget(directory: string, topic: Topic): void {
  change(directory, ({ partitions: { [topic]: _, ...others }, ...manifest }) => ({ ...manifest, partitions: others, files: manifest.files.filter((file) => file.topic !== topic) }))
}

/** With digests that agree. */
function change(directory: string, to: (manifest: Manifest) => Manifest): void {
  const path = join(directory, manifestFile)
  writeFileSync(path, JSON.stringify(to(JSON.parse(readFileSync(path, 'utf8')) as Manifest)))
  writeFileSync(join(directory, sumsFile), spawnSync('sha256sum', readdirSync(directory).filter((file) => file !== sumsFile), { cwd: directory, encoding: 'utf8' }).stdout)
}
