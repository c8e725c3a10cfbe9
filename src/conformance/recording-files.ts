import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { describeIssues } from '../connect/errors.ts'
import type { Answer } from '../hostile/exchange.ts'
import { recordingMask } from './recording-mask.ts'
import type { Recording } from './recorded.ts'

/** `recording.json`; the body of answer 3 is `0003.json`, or `0003.txt` where it is no JSON. */
const Listing = z.strictObject({
  version: z.literal(1),
  account: z.string().nullable().describe('native id of the account that was read singly'),
  answers: z.array(z.strictObject({
    request: z.string().regex(/^GET \//),
    single: z.boolean().describe('asked for the one account'),
    status: z.int().min(100).max(599),
    headers: z.record(z.string(), z.string()),
    body: z.enum(['json', 'txt']),
  })),
})

const listing = 'recording.json'
const bodyName = (at: number, kind: 'json' | 'txt'): string => `${String(at + 1).padStart(4, '0')}.${kind}`

/**
 * Writes what was recorded without what is secret in it, in place of an older recording. `secrets`: known ones; `standIn` is written for each.
 * Throws where the directory holds something else.
 */
export async function writeRecording(directory: string, { answers, single }: Recording, secrets: readonly string[]): Promise<void> {
  await makeRoom(directory)
  const mask = recordingMask(secrets, randomBytes(32))
  const listed: z.infer<typeof Listing>['answers'] = []
  for (const [request, answer] of answers) {
    const { status, headers, json, raw } = mask.answer(answer)
    const body = raw === undefined ? 'json' : 'txt'
    await writeFile(join(directory, bodyName(listed.length, body)), raw ?? `${JSON.stringify(json, null, 1)}\n`)
    listed.push({ request: mask.text(request), single: single?.requests.has(request) === true, status, headers, body })
  }
  await writeFile(join(directory, listing), `${JSON.stringify({ version: 1, account: single?.account ?? null, answers: listed }, null, 1)}\n`)
}

/** Throws an error that names the file where one is missing, or is not what was written. */
export async function readRecording(directory: string): Promise<Recording> {
  const parsed = Listing.safeParse(await readJson(join(directory, listing)))
  if (!parsed.success) throw new Error(`${join(directory, listing)}: ${describeIssues(parsed.error)}: record again`)
  const { account, answers: listed } = parsed.data
  const answers = new Map<string, Answer>()
  const requests = new Set<string>()
  for (const [at, { request, single, status, headers, body }] of listed.entries()) {
    const file = join(directory, bodyName(at, body))
    answers.set(request, { status, headers, ...(body === 'json' ? { json: await readJson(file) } : { json: null, raw: await readText(file) }) })
    if (single) requests.add(request)
  }
  return { answers, single: account === null ? null : { account, requests } }
}

async function makeRoom(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  const there = await readdir(directory)
  const older = there.filter((name) => name === listing || /^\d{4,}\.(json|txt)$/.test(name))
  if (there.length > 0 && !there.includes(listing)) throw new Error(`${directory} is not empty and holds no recording: name another directory`)
  for (const name of older) await rm(join(directory, name))
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${file} can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)}): record again with \`grantline connector test APP --record DIR\``, { cause: error })
  }
}

async function readJson(file: string): Promise<unknown> {
  const text = await readText(file)
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${file} is no JSON: record again with \`grantline connector test APP --record DIR\``)
  }
}
