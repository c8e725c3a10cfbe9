import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { reasonOf } from '../core/reason.ts'
import { MoveError } from './errors.ts'

export interface WrittenFile {
  file: string
  bytes: number
  sha256: string
}

/** Text in a new file, compressed (RFC 8878) and synced to disk. */
export async function writeCompressed(path: string, text: AsyncIterable<string>): Promise<WrittenFile> {
  const hash = createHash('sha256')
  let bytes = 0
  await pipeline(
    text,
    createZstdCompress(),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        bytes += chunk.length
        yield chunk
      }
    },
    createWriteStream(path, { flags: 'wx', flush: true }),
  )
  return { file: basename(path), bytes, sha256: hash.digest('hex') }
}

/** Hex. `onBytes` hears how far it is. */
export async function sha256Of(path: string, onBytes: (bytes: number) => void = () => undefined): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    onBytes((bytes += chunk.length))
  }
  return hash.digest('hex')
}

/** What each line of a compressed file says. Throws a MoveError that names file and line where one does not parse. */
export async function* readLines<T>(path: string, parse: (line: string) => T): AsyncGenerator<T> {
  const file = createReadStream(path)
  const text = file.pipe(createZstdDecompress())
  file.on('error', (error) => text.destroy(error))
  let number = 0
  const parsed = (line: string): T => {
    number++
    try {
      return parse(line)
    } catch (error) {
      throw new MoveError(`${path} line ${number} is not what an export holds: ${reasonOf(error)}`, { cause: error })
    }
  }
  let rest = ''
  for await (const chunk of text.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield parsed(line)
  }
  if (rest !== '') yield parsed(rest)
}
