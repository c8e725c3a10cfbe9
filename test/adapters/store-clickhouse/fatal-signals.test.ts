import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

const openStore = fileURLToPath(new URL('../../../src/adapters/store-clickhouse/open-store.ts', import.meta.url))
let path: string
afterEach(() => rmSync(path, { recursive: true, force: true }))

it.each([
  ['runs out of memory', "const kept = []; for (;;) kept.push(new Array(100_000).fill(0.5))"],
  ['is aborted', 'process.abort()'],
])('a process with the engine in it that %s is dead at once', { timeout: 30_000 }, async (_what, end) => {
  path = mkdtempSync(join(tmpdir(), 'grantline-fatal-'))
  const script = `const { openStore } = await import(${JSON.stringify(openStore)}); await openStore({ path: ${JSON.stringify(path)} }); console.log('open'); ${end}`
  const child = spawn(process.execPath, ['--max-old-space-size=100', '--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    await once(child.stdout, 'data')
    expect(await once(child, 'exit')).toEqual([null, 'SIGABRT'])
  } finally {
    child.kill('SIGKILL')
  }
})
