import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const file = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url))

it('the command starts as a file, as an installed package has it', () => {
  const { version } = JSON.parse(readFileSync(file('package.json'), 'utf8')) as { version: string }
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  const { status, stdout, stderr } = spawnSync(file('src/cli/bin.ts'), ['--version'], { encoding: 'utf8', env: { ...process.env, PATH: path } })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
})

it('ends in silence where whoever read its output has seen enough', async () => {
  const child = spawn(process.execPath, [file('src/cli/bin.ts'), '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const [code] = (await once(child, 'close')) as [number | null]
  expect({ code, errors }).toEqual({ code: 141, errors: '' })
})
