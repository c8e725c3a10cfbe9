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
    const known = this.#byFirst.get(a)?.get(b)
    if (known !== undefined) for (const answer of known) if (answer.label === label) return answer.value
    const value = compute()
    if (known !== undefined) {
      if (known.length >= maxAnswers) known.shift()
      known.push({ label, value })
    } else if (Object.isFrozen(a) && Object.isFrozen(b)) this.#keep(a, b, { label, value })
    return value
  }

  #keep(a: A, b: B, answer: Answer<V>): void {
    const bySecond = this.#byFirst.get(a)
    if (bySecond === undefined) this.#byFirst.set(a, new WeakMap<B, Answer<V>[]>([[b, [answer]]]))
    else bySecond.set(b, [answer])
  }
}
