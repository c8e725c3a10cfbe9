import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import type { Operation } from '../../schemas/wire/operations.ts'
import { ConnectError, type ErrorClass, type Platform } from '../ports/connector.ts'
import { syncPath } from '../runtime/sync-path.ts'

/** Where a rotated secret is put, as a config file says it. */
export const HandOverConfig = z
  .string()
  .min(1)
  .nullable()
  .default(null)
  .describe('directory, relative to the config file: a rotated secret is put there as <account>@<credential>, readable by its owner only; null: it is not kept')

type Subject = Pick<Operation, 'account' | 'credential'>

/**
 * How a rotated secret reaches whom it belongs to: a file of mode 0600, and nothing else ever holds it. What is under way is in a file
 * beside it, with what is known of the new secret so far, so that a rotation whose answer was lost is neither repeated nor forgotten.
 * Every secret is concealed. Throws ConnectError `configuration` where files can't be written there.
 */
export class HandOver {
  readonly #directory: string
  readonly #platform: Platform

  constructor(directory: string, platform: Platform) {
    this.#directory = resolve(platform.baseDir, directory)
    this.#platform = platform
  }

  /** A secret of our own making, on disk before anybody hears of it; the same again until it is handed over or dropped. */
  async make(subject: Subject): Promise<string> {
    const before = await this.begun(subject)
    if (before !== null && before !== '') return before
    const secret = randomBytes(32).toString('base64url')
    this.#platform.conceal(secret)
    await this.#write(`${this.#file(subject)}${underWay}`, secret)
    return secret
  }

  /** The application is about to be asked for a new secret. */
  async begin(subject: Subject): Promise<void> {
    await this.#write(`${this.#file(subject)}${underWay}`, '')
  }

  /** What is known of the new secret of a rotation under way: empty where the application makes it; null where none is under way. */
  async begun(subject: Subject): Promise<string | null> {
    return await this.#read(`${this.#file(subject)}${underWay}`)
  }

  /** Puts the new secret where its owner finds it; `already` where it was there. */
  async complete(subject: Subject, secret: string): Promise<'applied' | 'already'> {
    this.#platform.conceal(secret)
    const file = this.#file(subject)
    const isThere = (await this.#read(file)) === secret
    if (!isThere) {
      await this.#write(`${file}${underWay}`, secret)
      await this.#guard(() => rename(`${file}${underWay}`, file))
      await this.#guard(() => syncPath(dirname(file)))
    } else await this.drop(subject)
    return isThere ? 'already' : 'applied'
  }

  /** Forgets the rotation under way where the error says that it was refused; after any other it may have been carried out. */
  async failed(subject: Subject, error: unknown): Promise<void> {
    if (error instanceof ConnectError && refusals.has(error.class)) await this.drop(subject)
  }

  /** No rotation is under way: its secret will never be one. */
  async drop(subject: Subject): Promise<void> {
    await this.#guard(() => rm(`${this.#file(subject)}${underWay}`, { force: true }))
  }

  #file({ account, credential }: Subject): string {
    return join(this.#directory, `${encodeURIComponent(account)}@${encodeURIComponent(credential ?? '')}`)
  }

  async #read(file: string): Promise<string | null> {
    return await this.#guard(async () => {
      try {
        const secret = await readFile(file, 'utf8')
        if (secret !== '') this.#platform.conceal(secret)
        return secret
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw error
      }
    })
  }

  async #write(file: string, text: string): Promise<void> {
    await this.#guard(async () => {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const handle = await open(`${file}${beingWritten}`, 'w', 0o600)
      try {
        await handle.chmod(0o600)
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(`${file}${beingWritten}`, file)
      await syncPath(this.#directory)
    })
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
      throw new ConnectError('configuration', `handOver: files there can't be read and written (${code}); check that the directory belongs to this process`, this.#directory)
    }
  }
}

const refusals: ReadonlySet<ErrorClass> = new Set(['configuration', 'authentication', 'permission', 'schema', 'not-found', 'conflict'])

/** An at sign in a name is encoded, so these are nobody's own files. */
const underWay = '@rotating'
const beingWritten = '@new'

/** When the credential was made and when it ends, as those who asked for its rotation saw it; where they saw neither, nothing. */
export function seenOf({ attributes }: Pick<Operation, 'attributes'>): { created: number | null; expires: number | null } {
  const millis = (text: string | undefined): number | null => (text === undefined ? null : Number(text))
  return { created: millis(attributes['created']), expires: millis(attributes['expires']) }
}
