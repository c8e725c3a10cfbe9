import { ConnectError } from '../../ports/connector.ts'
import { bytesFingerprint } from '../fingerprint.ts'
import { maskRow, maskText } from '../mask.ts'
import { invalidUtf8At } from '../text.ts'
import { FileRead } from './file.ts'
import { type FilePage, type FileReject, PageBuilder, maxRecordBytes, trailerRows } from './rows.ts'

const newline = 0x0a

/**
 * Reads a file of one JSON object a line (UTF-8) page by page with flat memory. Lines that can't be believed are in `rejected`.
 * Ends only where the file proved whole; else throws ConnectError, `partial` for a loss.
 */
export async function* readNdjson(path: string): AsyncGenerator<FilePage> {
  const file = new FileRead(path)
  const builder = new PageBuilder(file.name)
  let trailer: number | null = null
  let number = 0
  for await (const bytes of lines(file)) {
    number += 1
    const text = bytes.toString('utf8').trim()
    if (text === '') continue
    if (trailer !== null) throw new ConnectError('partial', 'rows follow the line that declares their count', `${file.name} line ${number}`)
    trailer = trailerRows(text)
    if (trailer !== null) continue
    const row = parseLine(file.name, number, bytes, text)
    if ('code' in row) builder.reject({ ...row, print: bytesFingerprint([bytes]) }, number)
    else builder.row(row, number, bytes.length)
    if (builder.full) yield builder.take(file.declaredRows)
  }
  yield builder.take(trailer ?? file.declaredRows)
  file.verify(builder.count, trailer)
}

function parseLine(name: string, line: number, bytes: Buffer, text: string): { line: number; values: Record<string, unknown> } | Omit<FileReject, 'print'> {
  const place = `${name} line ${line}`
  const bad = invalidUtf8At(bytes)
  if (bad !== null) return { line, code: 'encoding', reason: `the line is not UTF-8 at byte ${bad + 1}`, place: `${place}, byte ${bad + 1}`, payload: '', values: null }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { line, code: 'json', reason: 'the line is not JSON', place, payload: maskText(text), values: null }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, code: 'json', reason: 'the line is no JSON object', place, payload: maskRow(value), values: null }
  }
  const values = value as Record<string, unknown>
  if (text.includes('\\u0000') && holdsNul(values)) {
    return { line, code: 'nul', reason: 'the line holds a NUL character', place, payload: maskRow(values), values }
  }
  return { line, values }
}

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\u0000')
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNul)
}

async function* lines(file: FileRead): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of file.bytes()) {
    let from = 0
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const tail = chunk.subarray(from, at)
      yield held.length === 0 ? tail : Buffer.concat([...held, tail])
      held = []
      heldBytes = 0
      from = at + 1
    }
    if (from === chunk.length) continue
    held.push(chunk.subarray(from))
    heldBytes += chunk.length - from
    if (heldBytes > maxRecordBytes) throw new ConnectError('schema', `a line is larger than ${maxRecordBytes} bytes`, file.name)
  }
  if (held.length > 0) yield Buffer.concat(held)
}
