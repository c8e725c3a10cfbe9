/**
 * One connection inside one transaction that writes; closing without `commit` undoes all of it. One call at a time. Every error is a
 * ConnectError that names `place`.
 */
export interface Writer {
  /** Whether the query answers a row. */
  holds(sql: string, bound: readonly string[], place: string): Promise<boolean>
  run(sql: string, bound: readonly string[], place: string): Promise<void>
  commit(place: string): Promise<void>
  /** Breaks the connection: what is under way fails. */
  cut(): void
  close(): Promise<void>
}
