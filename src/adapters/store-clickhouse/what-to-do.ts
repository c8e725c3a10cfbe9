/** What the engine calls it where a table, or a column of one, is not there. */
const notAsMade: ReadonlySet<string> = new Set(['8', '16', '47', '60'])
/** The engine sets room aside before it writes, or finds out in the midst of it. */
const noRoom = (error: unknown, message: string): boolean => codeOf(error) === '243' || message.includes('No space left on device')

/** What to do about it; `anew`: how all tables at the place are deleted. Of a column that is dropped and added again the older rows have lost their values. */
export const alteredTables = (anew: string): string =>
  `The tables are not as grantline made them. What was renamed may be named back; after anything else ${anew}: they are made anew and filled from the log`

/** What a person does about an error of the engine, to be put behind what it said; empty where nothing is known. */
export function whatToDo(error: unknown, message: string, anew: string): string {
  if (noRoom(error, message)) return '. The disk of the tables is full: make room there'
  return notAsMade.has(codeOf(error)) ? `. ${alteredTables(anew)}` : ''
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
