import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { inspect } from 'node:util'
import { z } from 'zod'
import { ConnectError } from '../ports/connector.ts'

const mask = '<secret>'

/** A secret as a config file may name it. */
export const secretReference = z.string().regex(/^(env|file):.+/, 'a secret is a reference: env:NAME or file:/path')

/** A resolved secret. Whatever prints, serialises or inspects it gets a mask; `reveal` is the only way to the value. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return mask
  }

  toJSON(): string {
    return mask
  }

  [inspect.custom](): string {
    return mask
  }
}

export interface SecretSources {
  env: Readonly<Record<string, string | undefined>>
  /** relative paths start here */
  baseDir: string
}

/**
 * Resolves `env:NAME` or `file:path`; a file's last line break is not part of the secret. Throws ConnectError `configuration`
 * that names the reference. Text that is no reference is refused without being repeated: it may be the secret itself.
 */
export async function resolveSecret(reference: string, sources: SecretSources): Promise<Secret> {
  const fail = (what: string, cause?: unknown): ConnectError => new ConnectError('configuration', what, 'secrets', { cause })
  if (reference.startsWith('env:')) {
    const value = sources.env[reference.slice(4)]
    if (value === undefined || value === '') throw fail(`${reference}: the environment variable is not set`)
    return new Secret(value)
  }
  if (reference.startsWith('file:')) {
    let value: string
    try {
      value = (await readFile(resolve(sources.baseDir, reference.slice(5)), 'utf8')).replace(/\r?\n$/, '')
    } catch (error) {
      throw fail(`${reference}: the file can't be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`)
    }
    if (value === '') throw fail(`${reference}: the file is empty`)
    return new Secret(value)
  }
  throw fail('a secret must be given as env:NAME or file:PATH, not as its value')
}

/** Takes known secrets out of a text that someone else wrote, for error messages. */
export function redact(text: string, secrets: Iterable<Secret>): string {
  let out = text
  for (const secret of secrets) {
    const value = secret.reveal()
    if (value.length < 4) continue
    for (const form of new Set([value, encodeURIComponent(value), Buffer.from(value).toString('base64')])) out = out.replaceAll(form, mask)
  }
  return out
}
