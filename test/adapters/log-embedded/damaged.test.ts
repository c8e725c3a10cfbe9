import { randomBytes } from 'node:crypto'
import { mkdtempSync, openSync, closeSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'
import { contractPartitions } from '../../contract/log.ts'

const pageBytes = 4_096
let path: string
let file: string
const open = (): Promise<EmbeddedLog> => openEmbeddedLog({ path, partitions: contractPartitions, durability: 'disk' })
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'grantline-damaged-'))
  file = join(path, 'log.mdb')
  await write(50, 1_000)
})
afterEach(() => rmSync(path, { recursive: true }))

async function write(messages: number, bytes: number): Promise<void> {
  const log = await open()
  const task = await log.openTask('somebody')
  for (let i = 0; i < messages; i++) await task.commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: i, value: randomBytes(bytes) }], state: new Map() })
  await log.close()
}

/** The same bytes over and over in place of so many pages. */
function damage(firstPage: number, pages: number): void {
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(pages * pageBytes, 0xa5), 0, pages * pageBytes, firstPage * pageBytes)
  closeSync(handle)
}

describe('a file of the log that is', () => {
  const said = (): string => `${file} is no log, or a damaged one (`

  it.each([
    ['overwritten at its beginning', () => damage(0, 1)],
    ['overwritten behind it', () => damage(2, 40)],
    ['another file', () => writeFileSync(file, 'a text that somebody put here')],
    ['cut off in its first page', () => truncateSync(file, 20)],
  ])('%s is told with its place and what to do, and the directory is free again', async (_how, harm) => {
    harm()
    for (let times = 0; times < 2; times++) await expect(open()).rejects.toThrow(said())
    rmSync(file)
    await (await open()).close()
  })

  it('cut off in its middle is told with how much there is of how much', async () => {
    await write(50, 100_000)
    const { size } = statSync(file)
    truncateSync(file, size / 2)
    await expect(open()).rejects.toThrow(`${said()}it is cut off: of ${size} bytes there are ${size / 2}): put the whole data directory back from a backup`)
  })

  it('cut off in its second page is told too, though only the first one says how far it went', async () => {
    await write(50, 100_000)
    truncateSync(file, pageBytes + 20)
    await expect(open()).rejects.toThrow(`${said()}it is cut off: `)
  })

  it('empty is a new one', async () => {
    truncateSync(file, 0)
    const log = await open()
    expect(await log.end('raw', 0)).toBe(0)
    await log.close()
  })
})
