/** The surroundings failed (log, disk, broker): nothing was committed or it is not known; the task opens its state again. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/** It is not known yet whether something was committed: what is remembered beside the state may differ from it, so nobody goes on with that. */
export class InDoubtError extends EnvironmentError {
  override name = 'InDoubtError'
}

/** A processor threw: a bug, since data errors are values. The task stops; its state is as the last commit left it. */
export class ProcessorError extends Error {
  override name = 'ProcessorError'
}

/** The state was made by newer code than this. */
export class DowngradeError extends Error {
  override name = 'DowngradeError'
}

/** The rows of the state are laid out as older code than this had them. */
export class StateFormatError extends Error {
  override name = 'StateFormatError'
}
