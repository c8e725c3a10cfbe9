import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { topicNames, type Topic } from '../../schemas/wire/topics.ts'
import { MoveError, type MoveProgress } from './errors.ts'
import { sha256Of, type WrittenFile } from './files.ts'

/** The directory of an export: this, a file for each partition, the states, and the digests of all of them in the form of sha256sum. */
export const manifestFile = 'manifest.json'
export const statesFile = 'states.ndjson.zst'
export const sumsFile = 'SHA256SUMS'
export const partitionFile = (topic: Topic, partition: number): string => `${topic}-${partition}.ndjson.zst`

const FORMAT = 2

export const Manifest = z.strictObject({
  format: z.literal(FORMAT),
  /** of grantline, that wrote it */
  release: z.string(),
  /** the log's id, which the one that is filled with this takes over */
  log: z.string(),
  /** milliseconds since the Unix epoch, UTC */
  exported: z.int(),
  /** of every topic that the release had which wrote it */
  partitions: z.partialRecord(z.enum(topicNames), z.int().positive()),
  /** every partition of each of them; the next append there gets `end` */
  files: z.array(z.strictObject({ topic: z.enum(topicNames), partition: z.int().nonnegative(), file: z.string(), messages: z.int(), end: z.int(), bytes: z.int() })),
  states: z.strictObject({ file: z.string(), tasks: z.int(), rows: z.int(), bytes: z.int() }),
  /** all that messages name */
  schemas: z.array(z.strictObject({ id: z.int(), topic: z.enum(topicNames), text: z.string() })),
})
export type Manifest = z.infer<typeof Manifest>

/** Last of all: an export without its digests is none. */
export async function seal(directory: string, manifest: Omit<Manifest, 'format'>, files: readonly WrittenFile[]): Promise<void> {
  const path = join(directory, manifestFile)
  await writeFile(path, `${JSON.stringify({ format: FORMAT, ...manifest } satisfies Manifest, null, 2)}\n`, { flag: 'wx', flush: true })
  const sums = [...files.map(({ sha256, file }) => `${sha256}  ${file}\n`), `${await sha256Of(path)}  ${manifestFile}\n`]
  await writeFile(join(directory, sumsFile), sums.join(''), { flag: 'wx', flush: true })
}

interface CheckedExport {
  manifest: Manifest
  /** names this export and no other one */
  id: string
}

/** Looks at every byte of an export. Throws a MoveError that names the file which is missing, cut or altered. */
export async function checkExport(directory: string, onProgress: (progress: MoveProgress) => void): Promise<CheckedExport> {
  const sums = await sumsOf(directory)
  const sum = (file: string): string => {
    const known = sums.get(file)
    if (known === undefined) throw new MoveError(`${join(directory, sumsFile)} has no line for ${file}: the export was altered. Export again`)
    return known
  }
  await check(directory, manifestFile, sum(manifestFile), null, onProgress)
  const manifest = parseManifest(join(directory, manifestFile), await readFile(join(directory, manifestFile), 'utf8'))
  for (const { file, bytes } of [...manifest.files, manifest.states]) await check(directory, file, sum(file), bytes, onProgress)
  return { manifest, id: (await sha256Of(join(directory, sumsFile))).slice(0, 32) }
}

async function sumsOf(directory: string): Promise<Map<string, string>> {
  const path = join(directory, sumsFile)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new MoveError(`${directory} has no ${sumsFile}, which is written last: it is no export, or one that was cut off. Export again`, { cause: error })
  }
  return new Map(
    text.split('\n').filter((line) => line !== '').map((line, at) => {
      const [, sha256, file] = /^([0-9a-f]{64}) {2}([A-Za-z0-9.-]+)$/.exec(line) ?? []
      if (sha256 === undefined || file === undefined) throw new MoveError(`${path} line ${at + 1} is no digest and file: the export was altered. Export again`)
      return [file, sha256]
    }),
  )
}

async function check(directory: string, file: string, sha256: string, bytes: number | null, onProgress: (progress: MoveProgress) => void): Promise<void> {
  const path = join(directory, file)
  const found = await stat(path).catch((error: unknown) => {
    throw new MoveError(`${path} is missing: copy the whole directory, or export again`, { cause: error })
  })
  if (bytes !== null && found.size < bytes) throw new MoveError(`${path} is cut off: it has ${found.size} of ${bytes} bytes. Copy it again, or export again`)
  const actual = await sha256Of(path, (done) => onProgress({ place: `checking ${file}`, done, of: found.size }))
  if (actual !== sha256) throw new MoveError(`${path} was altered: its SHA-256 is ${actual}, ${sumsFile} says ${sha256}. Copy it again, or export again`)
}

function parseManifest(path: string, text: string): Manifest {
  const parsed = Manifest.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  throw new MoveError(`${path} can't be read by this release: ${z.prettifyError(parsed.error)}. Import with the release that exported it`)
}
