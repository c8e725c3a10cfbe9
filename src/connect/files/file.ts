import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import { ConnectError } from '../../ports/connector.ts'
import { describeIssues } from '../errors.ts'

const Manifest = z
  .strictObject({ rows: z.int().min(0).optional(), sha256: z.string().regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hex digits').optional() })
  .refine((manifest) => manifest.rows !== undefined || manifest.sha256 !== undefined, 'expected rows, sha256 or both')
type Manifest = z.infer<typeof Manifest>

const chunkBytes = 64 * 1024
const newline = 0x0a

/** Where the manifest of a file is. */
export const manifestOf = (path: string): string => `${path}.manifest.json`

/**
 * One read of one file, with what proves that it was whole: `<file>.manifest.json` ({rows, sha256}) where there is one, else an
 * unchanged size and modification time and a line break at the end.
 */
export class FileRead {
  readonly name: string
  readonly path: string
  readonly #needsManifest: boolean
  #manifest: Manifest | null = null
  #bytes = 0
  #lastByte = -1
  #unchanged = false
  #version = ''
  #sha256 = ''

  /** `needsManifest`: without one the file is not believed to be whole yet. */
  constructor(path: string, needsManifest = false) {
    this.path = path
    this.#needsManifest = needsManifest
    this.name = basename(path)
  }

  /** Rows that the manifest declares; known once `bytes` has begun. */
  get declaredRows(): number | null {
    return this.#manifest?.rows ?? null
  }

  /** Another one when the file was written anew; known once `bytes` has begun. */
  get version(): string {
    return this.#version
  }

  /** The content without a byte order mark. Throws ConnectError. */
  async *bytes(): AsyncGenerator<Buffer> {
    this.#manifest = await readManifest(manifestOf(this.path))
    const handle = await openFile(this.path, this.name)
    try {
      if (this.#manifest === null && this.#needsManifest) throw new ConnectError('partial', `${this.name} has no manifest: it may be written just now`, this.name)
      yield* this.#chunks(handle)
    } finally {
      await handle.close()
    }
  }

  async *#chunks(handle: FileHandle): AsyncGenerator<Buffer> {
    const before = await handle.stat()
    if (!before.isFile()) throw new ConnectError('configuration', `${this.name} is no regular file`, this.name)
    this.#version = `${before.size} ${before.mtimeMs}`
    const hash = createHash('sha256')
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkBytes)
      // One read may answer less than asked: the first needs three bytes for the mark.
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, this.#bytes)
      if (bytesRead === 0) break
      const content = chunk.subarray(0, bytesRead)
      hash.update(content)
      const first = this.#bytes === 0
      this.#bytes += bytesRead
      this.#lastByte = content[bytesRead - 1]!
      yield first ? this.#withoutMark(content) : content
    }
    this.#sha256 = hash.digest('hex')
    const after = await handle.stat()
    this.#unchanged = after.size === before.size && after.mtimeMs === before.mtimeMs && this.#bytes === before.size
  }

  #withoutMark(content: Buffer): Buffer {
    const [a, b, c] = content
    if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
      throw new ConnectError('schema', `${this.name} is UTF-16: export it as UTF-8`, `${this.name} byte 0`)
    }
    return a === 0xef && b === 0xbb && c === 0xbf ? content.subarray(3) : content
  }

  /**
   * After the last byte. `trailerRows` is what the file's own last line declares. Throws ConnectError `partial` that says what
   * is missing. A digest or a trailer proves the end of the file; a mere count of rows does not: the last one may be cut.
   */
  verify(rows: number, trailerRows: number | null): void {
    const lost = (reason: string): ConnectError => new ConnectError('partial', reason, `${this.name} byte ${this.#bytes}`)
    if (!this.#unchanged) throw lost(`${this.name} changed while it was read: write it under another name and rename it`)
    const declared = this.#manifest?.rows
    if (declared !== undefined && declared !== rows) throw lost(`the manifest of ${this.name} declares ${declared} rows, ${rows} were read`)
    if (trailerRows !== null && trailerRows !== rows) throw lost(`the last line of ${this.name} declares ${trailerRows} rows, ${rows} were read`)
    const sha256 = this.#manifest?.sha256?.toLowerCase()
    if (sha256 !== undefined && sha256 !== this.#sha256) throw lost(`${this.name} is not the file that its manifest describes (SHA-256 differs)`)
    if (sha256 === undefined && trailerRows === null && this.#lastByte !== newline) {
      throw lost(`${this.name} does not end with a line break: its end may be missing`)
    }
  }
}

async function openFile(path: string, name: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const errorClass = code === 'EACCES' || code === 'EPERM' ? 'permission' : code === 'ENOENT' ? 'not-found' : 'transient'
    throw new ConnectError(errorClass, `${name} can't be opened (${code})`, name)
  }
}

async function readManifest(path: string): Promise<Manifest | null> {
  const name = basename(path)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new ConnectError('permission', `${name} can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`, name)
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new ConnectError('partial', `${name} is not JSON: it may be written just now`, name)
  }
  const manifest = Manifest.safeParse(json)
  if (!manifest.success) throw new ConnectError('schema', `${name}: ${describeIssues(manifest.error)}`, name)
  return manifest.data
}
