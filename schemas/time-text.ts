const isoForm = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** ISO 8601 date (its beginning, UTC) or date-time with Z or offset, or milliseconds since the epoch, as ms; null where it is none of these. */
export function timeMs(text: string): number | null {
  if (/^\d{11,15}$/.test(text)) return Number(text)
  if (!isoForm.test(text)) return null
  const at = Date.parse(text)
  // Date.parse carries 30 February over to March.
  const day = text.slice(0, 10)
  const calendar = new Date(`${day}T00:00:00Z`)
  return Number.isNaN(at) || Number.isNaN(calendar.getTime()) || calendar.toISOString().slice(0, 10) !== day ? null : at
}

/** ISO 8601, UTC; a number of ms that no `Date` has, as it is: a stranger may have written it. */
export function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
