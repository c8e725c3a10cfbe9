/** How much of what lags behind a record carries on, in rows: by the kind of the record alone, so that what is sent follows from the log alone. */
export interface Pace {
  /** a record about one person or account */
  perSubject: number
  /** any other, ticks above all: while something is left they follow one another */
  perMark: number
}

/**
 * One slice of what a record carries on. `rows`: how much of that is left; null where it is done or nothing lags behind any more. `spend` does
 * about as many rows as it is given and answers how many.
 */
export function carryOn(
  later: { readonly isEmpty: boolean }, rows: number, budget: number, spend: (rows: number) => number,
): { rows: number | null; spent: number } {
  const spent = spend(Math.min(rows, budget))
  return { rows: spent >= rows || later.isEmpty ? null : rows - spent, spent }
}
