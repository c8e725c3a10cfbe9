import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, finish, installOnce } from './install-once.ts'

/** The interpreter of a Python environment that holds what a requirements file asks for, from PyPI; made once and kept in .cache. */
export async function pythonWith(name: string, requirements: string): Promise<string> {
  const home = join(cacheDir, `python-${name}`)
  await installOnce(home, async () => {
    rmSync(home, { recursive: true, force: true })
    await finish('python3', ['-m', 'venv', home])
    await finish(join(home, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  })
  return join(home, 'bin', 'python')
}
