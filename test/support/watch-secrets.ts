import fs, { readdirSync, readFileSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join, sep } from 'node:path'
import { afterAll, expect } from 'vitest'
import { Secret } from '../../src/connect/secrets.ts'
import { knowSecret, leaks, lookFor } from './secret-watch.ts'

// Runs before every test file (vitest.config.ts).

/** Parts of a data directory; what else a test writes (tokens, configuration) may hold secrets. */
const parts = new Set(['log', 'states', 'tables', 'spool', 'profiles'])

const reveal: (this: Secret) => string = Reflect.get(Secret.prototype, 'reveal')
Secret.prototype.reveal = function (this: Secret): string {
  const value = reveal.call(this)
  knowSecret(value)
  return value
}

const remove = fs.rmSync
fs.rmSync = (path, options) => {
  if (options?.recursive === true && typeof path === 'string' && isDirectory(path)) lookBelow(path)
  remove(path, options)
}
const removeLater = fs.promises.rm
fs.promises.rm = async (path, options) => {
  if (options?.recursive === true && typeof path === 'string' && isDirectory(path)) lookBelow(path)
  await removeLater(path, options)
}
syncBuiltinESMExports()

afterAll(() => expect(leaks).toEqual([]))

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

function lookBelow(root: string): void {
  for (const name of readdirSync(root, { recursive: true })) {
    const path = join(root, String(name))
    if (String(name).split(sep).some((part) => parts.has(part)) && statSync(path, { throwIfNoEntry: false })?.isFile() === true) lookFor(readFileSync(path), path)
  }
}
