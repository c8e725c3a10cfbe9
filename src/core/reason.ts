/** What a thrown value says: an error's message; anything else as text. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
