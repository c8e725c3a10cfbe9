import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { isAlive, thisLife } from '../../src/runtime/process-life.ts'

const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')))

function sleeper(...command: string[]): ChildProcess {
  const [program, ...args] = command as [string, ...string[]]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

it('this process is alive, and a later one with its pid is not it', () => {
  const { pid, started } = thisLife()
  expect([pid, started]).toEqual([process.pid, expect.stringMatching(/^\d+$/)])
  expect(isAlive({ pid, started })).toBe(true)
  expect(isAlive({ pid, started: null })).toBe(true)
  expect(isAlive({ pid, started: '1' })).toBe(false)
})

it('one that was killed is not', async () => {
  const child = sleeper('sleep', '60')
  const life = { pid: child.pid!, started: null }
  expect(isAlive(life)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isAlive(life)).toBe(false)
})

it('one that has ended is not, though nobody has asked how', async () => {
  // what the shell becomes never waits for the child that it had
  const parent = sleeper('sh', '-c', 'sleep 0.1 & echo $!; exec sleep 60')
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer]
  const pid = Number(line.toString())
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /), 5_000)
  expect(isAlive({ pid, started: null })).toBe(false)
})
