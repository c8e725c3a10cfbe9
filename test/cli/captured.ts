import { vi } from 'vitest'
import { main } from '../../src/cli/main.ts'

/** One command in this process: its exit code. What it prints line by line is in `printed` then, and nothing else; reports are not shown. */
export async function captured(printed: string[], argv: string[]): Promise<number> {
  printed.length = 0
  const lines = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')].map((spy) => spy.mockImplementation((text: unknown) => void printed.push(String(text))))
  const spies = [...lines, vi.spyOn(process.stdout, 'write').mockImplementation(() => true)]
  try {
    return await main(argv)
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
