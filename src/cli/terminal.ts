/** Columns of the terminal; where the output is no terminal, wide enough to cut nothing that people would miss. */
export const terminalWidth = (): number => (process.stdout.isTTY ? process.stdout.columns : 200)

/** How often long work says how far it is, ms. */
const progressMs = 2_000

/** How far long work is: of what, how much is done, and of how much where that is known (0: it is not). */
export interface HowFar {
  place: string
  done: number
  of: number
  /** what else is worth a word */
  besides?: string
}

/** Says that now and then on standard error, a line each time: a file of these can be read as well as a terminal. */
export function sayHowFar(): (howFar: HowFar) => void {
  let last = Date.now()
  return ({ place, done, of, besides }) => {
    if (Date.now() - last < progressMs) return
    last = Date.now()
    console.error(`  ${place}: ${done}${of === 0 ? '' : ` of ${of}`}${besides === undefined ? '' : `, ${besides}`}`)
  }
}

/** A line about what goes on: on standard error, so that standard output holds answers only. */
export const say = (line: string): void => console.error(line)
