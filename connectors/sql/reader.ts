/** What a driver hands out for one column: JSON-safe but for times that the database itself types. */
export type Cell = string | number | boolean | Date | Binary | null
export type Row = Readonly<Record<string, Cell>>

/** Stands for bytes, which no field of ours can hold; a mapping refuses it and says so. */
interface Binary {
  readonly binaryBytes: number
}

/**
 * One connection inside one read-only transaction, whose snapshot is taken by the first statement and seen by all that follow.
 * One call at a time. Every error is a ConnectError that names `place`.
 */
export interface Reader {
  count(sql: string, place: string): Promise<number>
  /** Rows as they come, at most `pageSize` at once; memory does not grow with the number of rows. */
  pages(sql: string, pageSize: number, place: (rowsBefore: number) => string): AsyncIterable<Row[]>
  /** All rows of a small query with one bound value. */
  rows(sql: string, bound: readonly string[], place: string): Promise<Row[]>
  close(): Promise<void>
}
