/** Columns of the terminal; where the output is no terminal, wide enough to cut nothing that people would miss. */
export const terminalWidth = (): number => (process.stdout.isTTY ? process.stdout.columns : 200)

/** How often long work says how far it is, ms. */
const progressMs = 2_000

export function sayNowAndThen(): (line: string) => void {
  let last = Date.now()
  return (line) => {
    if (Date.now() - last < progressMs) return
    last = Date.now()
    console.error(line)
  }
}
