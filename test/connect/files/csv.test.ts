import { createHash } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { readCsv } from '../../../src/connect/files/csv.ts'
import type { FilePage, FileReject, FileRow } from '../../../src/connect/files/rows.ts'
import { ConnectError } from '../../../src/ports/connector.ts'

const directory = mkdtempSync(join(tmpdir(), 'grantline-csv-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
let files = 0

function write(content: string | Uint8Array, manifest?: object): string {
  const path = join(directory, `f${files++}.csv`)
  writeFileSync(path, content)
  if (manifest !== undefined) writeFileSync(`${path}.manifest.json`, JSON.stringify(manifest))
  return path
}

interface Read {
  rows: FileRow[]
  rejected: FileReject[]
  pages: FilePage[]
  error: ConnectError | null
}

async function read(path: string, columns: string[] = [], onPage?: () => void): Promise<Read> {
  const result: Read = { rows: [], rejected: [], pages: [], error: null }
  try {
    for await (const page of readCsv(path, { columns })) {
      result.pages.push(page)
      result.rows.push(...page.rows)
      result.rejected.push(...page.rejected)
      onPage?.()
    }
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    result.error = error
  }
  return result
}

const values = ({ rows }: Read): unknown[] => rows.map((row) => row.values)
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex')

describe('well-formed files', () => {
  it('any table comes back as it was written, with a quote, a comma or a line break in it', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '"', ',', '\n', ' ', '#', ';') })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 20 }), async (table) => {
        const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`
        const path = write(`a,b\n${table.map((row) => `${row.map(quote).join(',')}\n`).join('')}`)
        const result = await read(path)
        expect(result.error).toBeNull()
        expect(result.rejected).toEqual([])
        expect(values(result)).toEqual(table.map(([a, b]) => ({ a, b })))
      }),
      { numRuns: 40 },
    )
  })

  it('a byte order mark, CRLF and empty lines are no content', async () => {
    const result = await read(write('\ufeffid,name\r\n1,Ann\r\n\r\n2,Bob\r\n'))
    expect(values(result)).toEqual([{ id: '1', name: 'Ann' }, { id: '2', name: 'Bob' }])
    expect(result.error).toBeNull()
  })

  it('quoted line breaks keep the lines of places right', async () => {
    const result = await read(write('id,name\n1,"An\nn"\n2,Bob\n3,X,Y\n'))
    expect(result.rows.map(({ line }) => line)).toEqual([2, 4])
    expect(result.rejected).toMatchObject([{ line: 5, code: 'columns' }])
  })

  it('pages are bounded and tell their lines', async () => {
    const result = await read(write(`id\n${Array.from({ length: 1_200 }, (_, at) => `${at}\n`).join('')}`))
    expect(result.pages.map(({ rows, start }) => [start, rows.length])).toEqual([[0, 500], [500, 500], [1_000, 200]])
    expect(result.pages[1]!.place).toMatch(/^f\d+\.csv line 502-1001$/)
  })

  it('a value of ten megabytes is one value', async () => {
    const big = 'x'.repeat(10 * 2 ** 20)
    const result = await read(write(`id,name\n1,"${big}"\n2,Bob\n`))
    expect((result.rows[0]!.values['name'] as string).length).toBe(big.length)
    expect(result.rows[1]!.values['name']).toBe('Bob')
    expect(result.error).toBeNull()
  })
})

describe('rows that are broken', () => {
  it('wrong encoding names line, column and byte; the rest of the row can be told', async () => {
    const latin1 = Buffer.concat([Buffer.from('id,name\n1,Ann\n2,M'), Buffer.from([0xfc]), Buffer.from('ller\n3,Zo\ufffd\n')])
    const result = await read(write(latin1))
    expect(result.rejected).toMatchObject([{ line: 3, code: 'encoding', reason: 'column "name" is not UTF-8 at byte 2 of its value', values: { id: '2' } }])
    expect(result.rejected[0]!.place).toMatch(/line 3, column "name" is not UTF-8 at byte 2/)
    expect(values(result)).toEqual([{ id: '1', name: 'Ann' }, { id: '3', name: 'Zo\ufffd' }])
    expect(result.error).toBeNull()
  })

  it('more or fewer columns than the header: nothing of the row is believed', async () => {
    const result = await read(write('id,name\n1\n2,Bob\n3,Eve,x\n'))
    expect(values(result)).toEqual([{ id: '2', name: 'Bob' }])
    expect(result.rejected.map(({ line, code, values: left }) => [line, code, left])).toEqual([[2, 'columns', null], [4, 'columns', null]])
  })

  it('NUL bytes', async () => {
    const result = await read(write('id,name\n1,A\u0000n\n'))
    expect(result.rejected).toMatchObject([{ code: 'nul', values: { id: '1' } }])
  })

  it('a quote that is never closed swallows the rest, and that is told', async () => {
    const result = await read(write('id,name\n1,Ann\n2,"Bob\n3,Eve\n4,Joe\n'))
    expect(values(result)).toEqual([{ id: '1', name: 'Ann' }])
    expect(result.rejected).toMatchObject([{ code: 'quotes', line: 3, reason: 'a quote is opened and never closed', values: null }])
  })

  it('text after a closing quote: its line is told, and what follows is not believed in silence', async () => {
    const result = await read(write('id,name\n0,Joe\n1,"Ann"x\n2,Bob\n'))
    expect(values(result)).toEqual([{ id: '0', name: 'Joe' }])
    expect(result.rejected[0]).toMatchObject({ code: 'quotes', line: 3, values: null })
    expect(result.rejected.at(-1)).toMatchObject({ reason: 'a quote is opened and never closed', values: null })
  })

  it('a quote inside a value rejects its line', async () => {
    const result = await read(write('id,name\n1,A"nn\n2,Bob\n'))
    expect(result.rejected[0]).toMatchObject({ code: 'quotes', line: 2, values: null })
  })

  it('no reject repeats a value', async () => {
    const result = await read(write('id,name\n1,secret9,extra\n2,se\u0000cret9\n3,"secret9"x\n'))
    expect(result.rejected.length).toBeGreaterThanOrEqual(3)
    for (const { reason, place, payload } of result.rejected) expect(reason + place + payload).not.toContain('secret9')
  })
})

describe('what proves a file whole', () => {
  it('a line break at its end; without one its end may be missing', async () => {
    expect((await read(write('id\n1\n'))).error).toBeNull()
    const cut = await read(write('id\n1\n2'))
    expect(cut.error).toMatchObject({ class: 'partial', message: expect.stringContaining('line break') as string, place: expect.stringMatching(/byte 6$/) as string })
    expect(values(cut)).toEqual([{ id: '1' }, { id: '2' }])
  })

  it('a trailer that counts the rows', async () => {
    const whole = await read(write('id,name\n1,a\n2,b\n# rows: 2'))
    expect(whole.error).toBeNull()
    expect(whole.rows).toHaveLength(2)
    expect(whole.pages.at(-1)!.total).toBe(2)
    expect((await read(write('id,name\n1,a\n# rows: 2\n'))).error).toMatchObject({ class: 'partial', message: expect.stringContaining('declares 2 rows, 1') as string })
    expect((await read(write('id,name\n1,a\n# rows: 1\n2,b\n'))).error).toMatchObject({ class: 'partial', message: expect.stringContaining('rows follow') as string })
    expect((await read(write('id,name\n1,a\n# rows: 1,\n'))).error).toBeNull()
  })

  it('a manifest with rows, a digest or both', async () => {
    const content = 'id\n1\n2\n'
    expect((await read(write(content, { rows: 2, sha256: sha256(content) }))).error).toBeNull()
    expect((await read(write('id\n1\n2', { sha256: sha256('id\n1\n2') }))).error).toBeNull()
    expect((await read(write('id\n1\n2', { rows: 2 }))).error).toMatchObject({ class: 'partial' })
    expect((await read(write(content, { rows: 3 }))).error).toMatchObject({ class: 'partial', message: expect.stringContaining('declares 3 rows, 2') as string })
    expect((await read(write(content, { sha256: sha256('id\n') }))).error).toMatchObject({ class: 'partial', message: expect.stringContaining('SHA-256') as string })
  })

  it('a manifest that says nothing is an error, not a licence', async () => {
    expect((await read(write('id\n1\n', {}))).error).toMatchObject({ class: 'schema' })
    expect((await read(write('id\n1\n', { rows: 'many' }))).error).toMatchObject({ class: 'schema' })
    const path = write('id\n1\n')
    writeFileSync(`${path}.manifest.json`, '{"rows": 1')
    expect((await read(path)).error).toMatchObject({ class: 'partial' })
  })

  it('rejected rows are rows', async () => {
    expect((await read(write('id,name\n1\n2,b\n# rows: 2\n'))).error).toBeNull()
  })

  it('a file that grows, or is touched, while it is read', async () => {
    const many = `id\n${Array.from({ length: 40_000 }, (_, at) => `${at}\n`).join('')}`
    const grown = write(many)
    let once = false
    const result = await read(grown, [], () => {
      if (!once) appendFileSync(grown, 'x\n')
      once = true
    })
    expect(result.error).toMatchObject({ class: 'partial', message: expect.stringContaining('changed while it was read') as string })
    const touched = write(many)
    const { mtimeMs } = statSync(touched)
    const other = await read(touched, [], () => utimesSync(touched, new Date(), new Date(mtimeMs + 60_000)))
    expect(other.error).toMatchObject({ class: 'partial' })
  })
})

describe('files that are no such files', () => {
  it.each([
    ['an empty file', '', 'partial', 'no header'],
    ['two columns of one name', 'id,id\n1,2\n', 'schema', 'two columns named "id"'],
    ['a missing column', 'id,mail\n1,2\n', 'schema', 'no column "name"; it has "id", "mail"'],
    ['another delimiter', 'id;name\n1;2\n', 'schema', 'no column "id", "name"'],
  ])('%s', async (_title, content, errorClass, message) => {
    expect((await read(write(content), ['id', 'name'])).error).toMatchObject({ class: errorClass, message: expect.stringContaining(message) as string })
  })

  it('UTF-16 is named as what it is', async () => {
    expect((await read(write(Buffer.from('\ufeffid\n1\n', 'utf16le')))).error).toMatchObject({ class: 'schema', message: expect.stringContaining('UTF-16') as string })
  })

  it('missing, or a directory', async () => {
    expect((await read(join(directory, 'nowhere.csv'))).error).toMatchObject({ class: 'not-found', message: 'nowhere.csv can\'t be opened (ENOENT)' })
    expect((await read(directory)).error).toMatchObject({ class: 'configuration' })
  })
})

it('any cut of a file is partial, or shows fewer rows under a proof that says so', async () => {
  const content = 'id,name\n1,Ann\n2,"B\nob"\n3,Eve\n# rows: 3\n'
  for (let length = 0; length < content.length - 1; length++) {
    const result = await read(write(content.slice(0, length)))
    const claimsWhole = result.error === null && result.rejected.every(({ values: left }) => left !== null)
    // Cut at the end of a line, and with its trailer lost, a file looks whole: hence trailers and manifests.
    if (claimsWhole) expect(content.slice(0, length)).toMatch(/(\n|# rows: 3)$/)
  }
})

describe('a rejected row', () => {
  const prints = async (content: string | Uint8Array): Promise<string[]> => (await read(write(content))).rejected.map(({ print }) => print)

  it('has a fingerprint of what it holds, wherever it stands', async () => {
    const [columns, nul] = await prints('id,name\n1\n2,a\u0000\n')
    expect(await prints('id,name\n9,b\n2,a\u0000\n1\n')).toEqual([nul, columns])
    expect(await prints('id,name\n3\n2,b\u0000\n')).not.toEqual(expect.arrayContaining([columns]))
    const latin = (byte: number): Promise<string[]> => prints(Buffer.concat([Buffer.from('id,name\n1,'), Buffer.from([byte, 0x0a])]))
    expect((await latin(0xfc))[0]).not.toBe((await latin(0xe4))[0])
    expect((await prints('id,name,x\nab,c\n'))[0]).not.toBe((await prints('id,name,x\na,bc\n'))[0])
  })

  it('whose quotes are broken is the same one until the file is written anew', async () => {
    const path = write('id,name\n1,a"b"c,"d"e\n2,b\n')
    const first = (await read(path)).rejected
    expect(first.map(({ code }) => code)).toContain('quotes')
    expect((await read(path)).rejected).toEqual(first)
    utimesSync(path, 1_000, 1_000)
    expect((await read(path)).rejected.map(({ print }) => print)).not.toEqual(first.map(({ print }) => print))
  })
})
