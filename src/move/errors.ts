/** The export, or the log that it should go to, is not as it has to be: the message says where and what to do. */
export class MoveError extends Error {
  override name = 'MoveError'
}

export interface MoveProgress {
  /** what is being looked at: a file of the export, a partition, a task */
  place: string
  /** messages, rows or bytes done of it, and how many there are; 0 where that is not known */
  done: number
  of: number
}
