import { vi } from 'vitest'
import { main } from '../../src/cli/main.ts'

/** One command in this process: its exit code. What it prints is in `printed` then, and nothing else. */
export async function captured(printed: string[], argv: string[]): Promise<number> {
  printed.length = 0
  const spies = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')].map((spy) => spy.mockImplementation((text: unknown) => void printed.push(String(text))))
  try {
    return await main(argv)
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
