import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { manifestOf } from '../connect/files/file.ts'
import { hasManifest, proveWhole } from '../hostile/csv-files.ts'
import type { Expected } from './scenario.ts'

/** A file as its application exports it. */
export interface ExportedFile {
  path: string
  delimiter: string
  /** columns that a mapping needs */
  columns: readonly string[]
  proof: FileProof
}

/**
 * What proves the file whole. `digest` and `rows`: its manifest says so; `trailer`: its last line counts the rows; null: nothing but that it
 * does not change.
 */
type FileProof = 'digest' | 'rows' | 'trailer' | null

/** One way in which a file comes damaged. */
export interface FileDamage {
  readonly name: string
  readonly expected: Expected
  /** under which proofs anybody can tell; absent: under each, and under none */
  readonly seenBy?: readonly FileProof[]
  /** False where there is nothing in this file that it could be done to. */
  readonly harm: (file: ExportedFile) => boolean
}

const manifests: readonly FileProof[] = ['digest', 'rows']
const counts: readonly FileProof[] = [...manifests, 'trailer']
const digests: readonly FileProof[] = ['digest']

interface Lines {
  header: string
  rows: string[]
  /** `# rows: 120`, and what follows it */
  rest: string
}

/** The file's own text is another. */
const text = (change: (lines: Lines, file: ExportedFile) => Lines | string | null) => (file: ExportedFile): boolean => {
  const before = readFileSync(file.path, 'utf8')
  const lines = linesOf(before)
  const changed = lines.rows.length < 2 ? null : change(lines, file)
  const after = changed === null || typeof changed === 'string' ? changed : textOf(changed)
  if (after === null || after === before) return false
  writeFileSync(file.path, after)
  return true
}

/** The application itself exports another text: its manifest is of that. */
const exported = (change: (lines: Lines, file: ExportedFile) => Lines | null) => (file: ExportedFile): boolean => {
  if (!text(change)(file)) return false
  if (!hasManifest(file.path)) return true
  const now = readFileSync(file.path, 'utf8')
  proveWhole(file.path, now, linesOf(now).rows.length)
  return true
}

const bytes = (change: (content: Buffer) => Buffer) => ({ path }: ExportedFile): boolean => {
  writeFileSync(path, change(readFileSync(path)))
  return true
}
const manifest = (content: (rows: number) => string) => ({ path }: ExportedFile): boolean => {
  writeFileSync(manifestOf(path), content(linesOf(readFileSync(path, 'utf8')).rows.length))
  return true
}

const middle = (rows: readonly string[]): number => Math.floor(rows.length / 2)
const without = (rows: readonly string[], at: number): string[] => rows.filter((_, other) => other !== at)
const withAnother = (rows: readonly string[], at: number, row: string): string[] => rows.with(at, row)

/** Everything that is known to go wrong with a file on its way. */
export const fileDamages: readonly FileDamage[] = [
  { name: 'the file ends in the middle of a row', expected: 'partial', harm: text(({ header, rows }) => header + rows.slice(0, middle(rows)).join('') + rows[middle(rows)]!.slice(0, rows[middle(rows)]!.length / 2)) },
  { name: 'the file ends between two rows', expected: 'partial', seenBy: manifests, harm: text(({ header, rows }) => header + rows.slice(0, middle(rows)).join('')) },
  { name: 'the file is empty', expected: 'partial', harm: bytes(() => Buffer.alloc(0)) },
  { name: 'only the header is left', expected: 'partial', seenBy: manifests, harm: text(({ header }) => header) },
  { name: 'the file is missing', expected: 'partial', harm: ({ path }) => (rmSync(path), true) },
  { name: 'one row is gone', expected: 'partial', seenBy: counts, harm: text((lines) => ({ ...lines, rows: without(lines.rows, middle(lines.rows)) })) },
  { name: 'one row came twice and another one is gone', expected: 'partial', seenBy: digests, harm: text((lines) => ({ ...lines, rows: withAnother(lines.rows, middle(lines.rows), lines.rows[0]!) })) },
  { name: 'a row was added that is there already', expected: 'partial', seenBy: counts, harm: text((lines) => ({ ...lines, rows: [...lines.rows, lines.rows[0]!] })) },
  { name: 'the rows come in another order', expected: 'exact', harm: exported((lines) => ({ ...lines, rows: [...lines.rows].reverse() })) },
  { name: 'another delimiter', expected: 'partial', harm: text((lines, { delimiter }) => textOf(lines).replaceAll(delimiter, delimiter === ';' ? ',' : ';')) },
  { name: 'a column has another name', expected: 'partial', harm: exported((lines, { columns, delimiter }) => renamed(lines, columns[0]!, delimiter)) },
  { name: 'a row has a column less', expected: 'safe', harm: exported((lines, { delimiter }) => ({ ...lines, rows: withAnother(lines.rows, middle(lines.rows), shorter(lines.rows[middle(lines.rows)]!, delimiter)) })) },
  { name: 'the manifest is of another file', expected: 'partial', harm: manifest((rows) => JSON.stringify({ rows, sha256: '0'.repeat(64) })) },
  { name: 'the manifest counts one row more', expected: 'partial', harm: manifest((rows) => JSON.stringify({ rows: rows + 1 })) },
  { name: 'the manifest is no JSON', expected: 'partial', harm: manifest((rows) => `rows: ${rows}`) },
  { name: 'bytes that are no UTF-8', expected: 'partial', harm: bytes((content) => Buffer.concat([content, Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a])])) },
  { name: 'another encoding (UTF-16)', expected: 'partial', harm: bytes((content) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(content.toString('utf8'), 'utf16le')])) },
  { name: 'a quote that never closes', expected: 'partial', harm: text((lines) => ({ ...lines, rows: withAnother(lines.rows, middle(lines.rows), `"${lines.rows[middle(lines.rows)]!.replaceAll('"', '')}`) })) },
]

/** Of a drop folder. */
export const dropDamages: readonly FileDamage[] = [
  { name: 'the manifest is missing', expected: 'partial', harm: ({ path }) => (rmSync(manifestOf(path)), true) },
]

/** What proves this file whole now. */
export function proofOf(path: string): FileProof {
  if (hasManifest(path)) return readFileSync(manifestOf(path), 'utf8').includes('sha256') ? 'digest' : 'rows'
  return linesOf(readFileSync(path, 'utf8')).rest === '' ? null : 'trailer'
}

/** Each row with its line break; one inside quotes ends no row. */
function linesOf(content: string): Lines {
  const rows: string[] = []
  let open = ''
  for (const line of content.split(/(?<=\n)/)) {
    open += line
    if (quotes(open) % 2 === 1) continue
    rows.push(open)
    open = ''
  }
  if (open !== '') rows.push(open)
  const trailer = rows.findIndex((row) => row.startsWith('# rows: '))
  const [header = '', ...data] = trailer < 0 ? rows : rows.slice(0, trailer)
  return { header, rows: data, rest: trailer < 0 ? '' : rows.slice(trailer).join('') }
}

const quotes = (content: string): number => content.split('"').length - 1
const textOf = ({ header, rows, rest }: Lines): string => header + rows.join('') + rest

function renamed(lines: Lines, column: string, delimiter: string): Lines | null {
  const cells = lines.header.trimEnd().split(delimiter)
  const at = cells.findIndex((cell) => cell.replace(/^\uFEFF/, '').replaceAll('"', '').trim() === column)
  return at < 0 ? null : { ...lines, header: `${cells.with(at, `"no longer ${column}"`).join(delimiter)}\n` }
}

/** Without its last cell; of a row of one cell nothing can be taken. */
function shorter(row: string, delimiter: string): string {
  const at = row.lastIndexOf(delimiter)
  return at < 0 || quotes(row.slice(0, at)) % 2 === 1 ? row : `${row.slice(0, at)}\n`
}
