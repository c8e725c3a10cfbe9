/** How an answer names sources that nobody reads any more, `since` the end of the last complete run of each: see `datedText`. */
export const pausedHeader = 'grantline-paused'
