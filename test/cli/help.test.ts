import { describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'

async function helpOf(...words: string[]): Promise<string> {
  let out = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text: unknown) => ((out += String(text)), true))
  try {
    expect([words, await main([...words, '--help'])]).toEqual([words, 0])
  } finally {
    spy.mockRestore()
  }
  return out
}

/** Names below `Commands:`, as the help text lists them. */
const commandsIn = (help: string): string[] =>
  [...(/^Commands:\n((?: .*\n)+)/m.exec(help)?.[1] ?? '').matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')

/** Every command there is, as words. */
async function all(words: string[] = []): Promise<string[][]> {
  const found = words.length === 0 ? [] : [words]
  for (const name of commandsIn(await helpOf(...words))) found.push(...(await all([...words, name])))
  return found
}
const commands = await all()

describe('the help of every command', () => {
  it('is there for those that matter', () => {
    const names = commands.map((words) => words.join(' '))
    expect(names).toEqual(expect.arrayContaining(['run', 'connector probe', 'connector new', 'connector test', 'connectors', 'dlq retry', 'plan', 'apply', 'actions release', 'hostile webhooks', 'log import', 'config check']))
    expect(names.length).toBeGreaterThan(35)
  })

  it.each(commands.map((words) => [words.join(' '), words] as const))('%s has examples of itself', async (name, words) => {
    const examples = (/^Examples:\n((?: .*\n?)+)/m.exec(await helpOf(...words))?.[1] ?? '').trim().split('\n').map((line) => line.trim())
    expect(examples.some((line) => line.startsWith(`grantline ${name}`)), examples.join('\n')).toBe(true)
  })
})

it.each([
  [['verify', '--partition', 'one'], "option '--partition <number>' argument 'one' is invalid. expected a whole number"],
  [['verify', '--from', '12x'], "option '--from <offset>' argument '12x' is invalid. expected a whole number"],
  [['verify', '--to', '-1'], "option '--to <offset>' argument '-1' is invalid. expected a whole number"],
  [['rule', 'hr', '--kind', 'release', '--by', 'A. Kaya', '--reason', 'sold', '--run', 'last'], "option '--run <number>' argument 'last' is invalid. expected a whole number"],
  [['findngs', '--help'], "unknown command 'findngs'"],
  [['dlq', 'lst', '-h'], "unknown command 'lst'"],
  [['replay', '--until', 'soon'], 'until: "soon" is no time'],
])('%j is refused with 2, and says why', async (argv, why) => {
  let said = ''
  const spies = [
    vi.spyOn(process.stderr, 'write').mockImplementation((text: unknown) => ((said += String(text)), true)),
    vi.spyOn(console, 'error').mockImplementation((text: unknown) => void (said += String(text))),
  ]
  expect(await main(argv)).toBe(2)
  for (const spy of spies) spy.mockRestore()
  expect(said).toContain(why)
})
