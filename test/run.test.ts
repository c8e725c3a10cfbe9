import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** A machine without Java, Maven and a way to install them: on its PATH are node, npx and the shell alone. */
const root = fileURLToPath(new URL('../', import.meta.url))
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-no-java-'))
  for (const program of ['npx', 'sh']) {
    const place = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program)).find(existsSync)!
    symlinkSync(place, join(directory, program))
  }
  symlinkSync(process.execPath, join(directory, 'node'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it.each([
  { CI: 'true', last: '0 passed, 1 failed', status: 1 },
  { CI: '', last: '0 passed, 0 failed', status: 0 },
])('without Java the suites on Kafka do not run and one line says so; CI=$CI: $last', { timeout: 120_000 }, ({ CI, last, status }) => {
  const ended = spawnSync(process.execPath, ['test/run.ts', 'services/kafka.service.test.ts'], { cwd: root, encoding: 'utf8', env: { PATH: directory, HOME: directory, CI } })
  const told = ended.stderr.split('\n').filter((line) => line.includes('did not run'))
  expect(told).toEqual(['the suites on Kafka did not run: there is no java or no mvn here: install openjdk-17-jre-headless and maven'])
  expect(ended.stdout.trimEnd().split('\n').at(-1)).toBe(last)
  expect(ended.status).toBe(status)
})
