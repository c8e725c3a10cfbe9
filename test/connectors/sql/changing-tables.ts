/** The permission tables with a log of changes beside them; the same SQL runs on SQLite and PostgreSQL. */
export const createLog = 'CREATE TABLE changed (nr INTEGER PRIMARY KEY, who TEXT)'

export const logged = {
  position: 'SELECT coalesce(max(nr), 0) AS nr FROM changed',
  query: 'SELECT who FROM changed WHERE nr > CAST(:cursor AS INTEGER)',
  account: 'who',
}
