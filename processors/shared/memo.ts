interface Answer<V> {
  readonly label: string
  readonly value: V
}

/** Answers of one pair that are kept; a further one takes the place of the oldest. */
const maxAnswers = 8

/**
 * What was computed of two frozen values and a word: many accounts have the same of both, and then the same comes of them. Of
 * values that are not frozen nothing is kept. A cache: it is let go with the values.
 */
export class PairMemo<A extends object, B extends object, V> {
  readonly #byFirst = new WeakMap<A, WeakMap<B, Answer<V>[]>>()

  of(a: A, b: B, label: string, compute: () => V): V {
    if (!Object.isFrozen(a) || !Object.isFrozen(b)) return compute()
    let bySecond = this.#byFirst.get(a)
    if (bySecond === undefined) this.#byFirst.set(a, (bySecond = new WeakMap<B, Answer<V>[]>()))
    let answers = bySecond.get(b)
    if (answers === undefined) bySecond.set(b, (answers = []))
    for (const answer of answers) if (answer.label === label) return answer.value
    const value = compute()
    if (answers.length >= maxAnswers) answers.shift()
    answers.push({ label, value })
    return value
  }
}
