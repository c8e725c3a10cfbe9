import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { readNdjson } from '../../../src/connect/files/ndjson.ts'
import type { FileReject, FileRow } from '../../../src/connect/files/rows.ts'
import { ConnectError } from '../../../src/ports/connector.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-ndjson-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
let files = 0

async function read(content: string | Uint8Array): Promise<{ rows: FileRow[]; rejected: FileReject[]; error: ConnectError | null }> {
  const path = join(directory, `f${files++}.ndjson`)
  writeFileSync(path, content)
  const rows: FileRow[] = []
  const rejected: FileReject[] = []
  try {
    for await (const page of readNdjson(path)) {
      rows.push(...page.rows)
      rejected.push(...page.rejected)
    }
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    return { rows, rejected, error }
  }
  return { rows, rejected, error: null }
}

describe('NDJSON', () => {
  it('gives back any objects, over chunk borders', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.dictionary(fc.constantFrom('id', 'name', 'n'), fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer()))), async (rows) => {
        const nulFree = rows.filter((row) => !JSON.stringify(row).includes('u0000'))
        const result = await read(`${nulFree.map((row) => `${JSON.stringify(row)}\n`).join('')}# rows: ${nulFree.length}`)
        expect(result.error).toBeNull()
        expect(result.rows.map(({ values }) => ({ ...values }))).toEqual(nulFree.map((row) => ({ ...row })))
      }),
      { numRuns: 40 },
    )
    const big = 'y'.repeat(10 * 2 ** 20)
    expect((await read(`{"id":"1","v":"${big}"}\n{"id":"2"}\n`)).rows.map(({ values }) => values['id'])).toEqual(['1', '2'])
  })

  it('rejects lines that are no objects, naming them', async () => {
    const result = await read('\ufeff{"id":1}\n\n{"id":2\n[1]\nnull\n"x"\r\n{"id":3}\n')
    expect(result.rows.map(({ line }) => line)).toEqual([1, 7])
    expect(result.rejected.map(({ line, code }) => [line, code])).toEqual([[3, 'json'], [4, 'json'], [5, 'json'], [6, 'json']])
    expect(result.error).toBeNull()
  })

  it('names line and byte of a wrong encoding, and rejects NUL', async () => {
    const result = await read(Buffer.concat([Buffer.from('{"id":"a'), Buffer.from([0xe9]), Buffer.from('"}\n{"id":"b","n":["\\u0000"]}\n{"id":"c","n":"\\\\u0000"}\n')]))
    expect(result.rejected).toMatchObject([
      { line: 1, code: 'encoding', reason: 'the line is not UTF-8 at byte 9', values: null },
      { line: 2, code: 'nul', values: { id: 'b' } },
    ])
    expect(result.rows.map(({ values }) => values['id'])).toEqual(['c'])
  })

  it('proves its end as CSV does', async () => {
    expect((await read('{"id":1}\n{"id":2}')).error).toMatchObject({ class: 'partial' })
    expect((await read('')).error).toMatchObject({ class: 'partial' })
    expect((await read('{"id":1}\n# rows: 2\n')).error).toMatchObject({ class: 'partial' })
    expect((await read('{"id":1}\n# rows: 1\n{"id":2}\n')).error).toMatchObject({ class: 'partial' })
  })
})

it('a rejected line has a fingerprint of its bytes, wherever it stands', async () => {
  const prints = async (content: string | Uint8Array): Promise<string[]> => (await read(content)).rejected.map(({ print }) => print)
  const [json, list] = await prints('{"id":\n[1]\n')
  expect(await prints('{"id":1}\n[1]\n{"id":\n')).toEqual([list, json])
  expect((await prints('[2]\n'))[0]).not.toBe(list)
})
