/** Commits of threads that joined, on their way now. */
const UNDER_WAY = 0
/** 1: the process ends, and nothing is written any more. */
const ENDING = 1

/** A commit takes less, ms; where the thread that ends the process has one of its own on its way, those of others wait for it in vain. */
const maxWaitMs = 2_000

/**
 * A thread that is ended in the midst of a transaction leaves the part that it has written, and LMDB commits that. A process that ends (`process.exit`, an
 * error that nobody caught) ends its threads wherever they are, so it waits until what they have on its way is done, and none begins another commit.
 */
export class WholeCommits {
  readonly #cells: Int32Array
  readonly #isJoined: boolean
  readonly #onExit = (): void => this.#end()

  /** `shared`: of the thread that opened the log first and sees the process's end; without it this is that one. */
  constructor(shared?: SharedArrayBuffer) {
    this.#cells = new Int32Array(shared ?? new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
    this.#isJoined = shared !== undefined
  }

  /** From here on other threads commit, and this one sees to it that their commits are whole. */
  guard(): SharedArrayBuffer {
    process.off('exit', this.#onExit).once('exit', this.#onExit)
    return this.#cells.buffer as SharedArrayBuffer
  }

  /** Never settles once the process ends. */
  async make<T>(commit: () => Promise<T>): Promise<T> {
    if (!this.#isJoined) return await commit()
    Atomics.add(this.#cells, UNDER_WAY, 1)
    try {
      if (Atomics.load(this.#cells, ENDING) === 0) return await commit()
    } finally {
      Atomics.sub(this.#cells, UNDER_WAY, 1)
      Atomics.notify(this.#cells, UNDER_WAY)
    }
    return await new Promise<never>(() => undefined)
  }

  close(): void {
    process.off('exit', this.#onExit)
  }

  #end(): void {
    Atomics.store(this.#cells, ENDING, 1)
    const deadline = performance.now() + maxWaitMs
    for (let left = maxWaitMs; left > 0; left = deadline - performance.now()) {
      const underWay = Atomics.load(this.#cells, UNDER_WAY)
      if (underWay === 0) return
      Atomics.wait(this.#cells, UNDER_WAY, underWay, left)
    }
  }
}
