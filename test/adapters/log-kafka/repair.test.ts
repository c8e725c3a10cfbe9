import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { requireFromHere } from '../../../src/adapters/log-kafka/kafkajs.ts'
import { requireKnownRelease } from '../../../src/adapters/log-kafka/repair.ts'

it('kafkajs is refused where one of its files is altered, missing or new', () => {
  const directory = mkdtempSync(join(tmpdir(), 'grantline-kafkajs-'))
  try {
    const copy = join(directory, 'node_modules', 'kafkajs')
    cpSync(dirname(requireFromHere.resolve('kafkajs/package.json')), copy, { recursive: true, dereference: true })
    const require = createRequire(join(directory, 'main.js'))
    expect(() => requireKnownRelease(require)).not.toThrow()
    const refused = /not kafkajs 2\.2\.4 as published.*npm ci/s
    const file = join(copy, 'src/consumer/filterAbortedMessages.js')
    const published = readFileSync(file)
    writeFileSync(file, `${published.toString()}\n`)
    expect(() => requireKnownRelease(require)).toThrow(refused)
    writeFileSync(file, published)
    expect(() => requireKnownRelease(require)).not.toThrow()
    renameSync(file, join(copy, 'src/filterAbortedMessages.js'))
    expect(() => requireKnownRelease(require)).toThrow(refused)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
