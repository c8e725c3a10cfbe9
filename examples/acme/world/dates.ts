/** The seed's own today. preparing the example moves every date by the days between this one and the real today. */
export const seedToday = '2026-01-01'
const dayMs = 86_400_000

/** `days` from the seed's today as YYYY-MM-DD. */
export const iso = (days: number): string => new Date(Date.parse(`${seedToday}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)

/** Moves each YYYY-MM-DD in a text by whole days; times of day beside a date stay as they are. */
export function shiftDates(text: string, days: number): string {
  return text.replace(/\b\d{4}-\d{2}-\d{2}\b/g, (date) => new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10))
}

export const daysBetween = (from: string, toMs: number): number => Math.floor((toMs - Date.parse(`${from}T00:00:00Z`)) / dayMs)
