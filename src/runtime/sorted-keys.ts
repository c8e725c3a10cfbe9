import { compareKeys } from '../core/order.ts'

/** Below this many new keys, inserting each is cheaper than merging all. */
const fewKeys = 32

/** A growing set of keys in code point order. Adding is cheap; order is made when it is first asked for. */
export class SortedKeys {
  #sorted: string[] = []
  #added: string[] = []

  /** The caller adds no key twice. */
  add(key: string): void {
    this.#added.push(key)
  }

  /** The first key with `prefix`, strictly after `after` where given. */
  next(prefix: string, after: string | undefined): string | undefined {
    this.#settle()
    const beyond = after !== undefined && compareKeys(after, prefix) >= 0
    const at = beyond ? this.#firstAbove(after, 1) : this.#firstAbove(prefix, 0)
    const key = this.#sorted[at]
    return key?.startsWith(prefix) ? key : undefined
  }

  /** Index of the first key that compares with `bound` as `least` or more. */
  #firstAbove(bound: string, least: 0 | 1): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (Math.sign(compareKeys(this.#sorted[middle]!, bound)) < least) low = middle + 1
      else high = middle
    }
    return low
  }

  #settle(): void {
    const added = this.#added
    if (added.length === 0) return
    this.#added = []
    if (added.length <= fewKeys) {
      for (const key of added) this.#sorted.splice(this.#firstAbove(key, 0), 0, key)
      return
    }
    added.sort(compareKeys)
    const merged: string[] = []
    let i = 0
    for (const key of this.#sorted) {
      while (i < added.length && compareKeys(added[i]!, key) < 0) merged.push(added[i++]!)
      merged.push(key)
    }
    while (i < added.length) merged.push(added[i++]!)
    this.#sorted = merged
  }
}
