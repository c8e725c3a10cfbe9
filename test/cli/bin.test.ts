import { spawnSync } from 'node:child_process'
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
