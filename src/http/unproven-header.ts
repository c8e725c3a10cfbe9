/** How an answer names sources that had not been read completely by the time in question, `since` when each first was: see `datedText`. */
export const unprovenHeader = 'grantline-unproven'
