/** An answer stands for so many times as long as it took: whoever asks again and again takes a twentieth of the time there is for it. */
const standsFor = 19

/** Asks for something dear no more often than its price allows, and once for all who ask meanwhile. What failed is asked for anew. */
export function seldom<T>(ask: () => Promise<T>, nowMs: () => number = () => performance.now()): () => Promise<T> {
  let answer: Promise<T> | null = null
  let staleAt = Infinity
  return () => {
    if (answer !== null && nowMs() < staleAt) return answer
    const began = nowMs()
    staleAt = Infinity
    const asked = ask()
    answer = asked
    asked.then(
      () => {
        const ended = nowMs()
        staleAt = ended + (ended - began) * standsFor
      },
      () => {
        answer = null
      },
    )
    return asked
  }
}
