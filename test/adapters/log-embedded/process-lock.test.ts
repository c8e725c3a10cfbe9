import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireLock } from '../../../src/adapters/log-embedded/process-lock.ts'

describe('process lock', () => {
  let directory: string
  let file: string
  const children: ChildProcess[] = []

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'grantline-lock-'))
    file = join(directory, 'process.lock')
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })

  async function holder(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./lock-holder.ts', import.meta.url)), file], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    await once(child.stdout, 'data')
    return child
  }

  it('is one holder’s at a time, and free again after release', () => {
    const lock = acquireLock(file)
    expect(() => acquireLock(file)).toThrow(/this process has it open already/)
    lock.release()
    expect(existsSync(file)).toBe(false)
    acquireLock(file).release()
  })

  it('names the living process that holds it', async () => {
    const child = await holder()
    expect(() => acquireLock(file)).toThrow(new RegExp(`process ${child.pid} has it open.*stop that one first`))
  })

  it('is taken over from a process that was killed, leaving no other file', async () => {
    const child = await holder()
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = acquireLock(file)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid })
    expect(await readdir(directory)).toEqual(['process.lock'])
    lock.release()
    expect(await readdir(directory)).toEqual([])
  })

  it('is taken over where its pid is ours by chance, as after a restart of a container', async () => {
    await writeFile(file, JSON.stringify({ pid: process.pid, started: null, token: 'of an earlier life' }))
    acquireLock(file).release()
  })

  it.runIf(process.platform === 'linux')('is taken over where its pid now belongs to a process that began later', async () => {
    const child = await holder()
    const stored = JSON.parse(await readFile(file, 'utf8')) as { pid: number; started: string }
    expect(stored).toMatchObject({ pid: child.pid, started: expect.stringMatching(/^\d+$/) as unknown })
    await writeFile(file, JSON.stringify({ ...stored, started: '1' }))
    acquireLock(file).release()
  })

  it('that is half written is waited for, and taken over once it is old', async () => {
    await writeFile(file, '{"pid":')
    expect(() => acquireLock(file)).toThrow(/being written by another process/)
    const old = new Date(Date.now() - 60_000)
    await utimes(file, old, old)
    acquireLock(file).release()
  })

  it('is not taken over by two at once', async () => {
    await writeFile(file, JSON.stringify({ pid: 2 ** 30, started: null, token: 'dead' }))
    await writeFile(`${file}.takeover`, '')
    expect(() => acquireLock(file)).toThrow(/being taken over by another process.*remove .*\.takeover/)
  })

  it('of somebody else is left alone by release', async () => {
    const lock = acquireLock(file)
    const other = JSON.stringify({ pid: process.ppid, started: null, token: 'other' })
    await writeFile(file, other)
    lock.release()
    expect(await readFile(file, 'utf8')).toBe(other)
  })
})
