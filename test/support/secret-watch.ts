import { appendFileSync } from 'node:fs'

/**
 * Every secret that a configuration of this test file resolved is looked for in whatever its logs in memory took and in the data
 * directories that it removes (`watch-secrets.ts`), and, at the end of `npm test`, in everything printed.
 */
const secrets = new Set<string>()
/** Where a secret was found. */
export const leaks: string[] = []
export const looked = { places: 0, bytes: 0 }

/** Shorter ones are words that stand anywhere. */
const shortest = 10

export function knowSecret(value: string): void {
  if (value.length < shortest || secrets.has(value)) return
  secrets.add(value)
  const { GRANTLINE_TEST_SECRETS: file } = process.env
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(value)}\n`)
}

export function lookFor(bytes: Uint8Array, place: string): void {
  if (secrets.size === 0) return
  looked.places += 1
  looked.bytes += bytes.length
  const held = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const secret of secrets) if (held.includes(secret)) leaks.push(`${place} holds the secret ${secret.slice(0, 4)}…`)
}
