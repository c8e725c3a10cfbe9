/** Rows by id, in the order in which they came; their ids are listed and sorted once, however many pages are taken of them. */
export class Table<T> extends Map<string, T> {
  #listed: readonly string[] | null = null
  #sorted: readonly string[] | null = null

  override set(id: string, row: T): this {
    if (!this.has(id)) this.#forget()
    return super.set(id, row)
  }

  override delete(id: string): boolean {
    this.#forget()
    return super.delete(id)
  }

  override clear(): void {
    this.#forget()
    super.clear()
  }

  get listed(): readonly string[] {
    return (this.#listed ??= [...this.keys()])
  }

  get sorted(): readonly string[] {
    return (this.#sorted ??= [...this.keys()].sort(byCodeUnit))
  }

  #forget(): void {
    this.#listed = null
    this.#sorted = null
  }
}

const sortedOnce = new WeakMap<readonly string[], { length: number; sorted: readonly string[] }>()

/** The same ids sorted; a list that only grows is sorted again when it grew. */
export function sortedIds(ids: readonly string[]): readonly string[] {
  const known = sortedOnce.get(ids)
  if (known?.length === ids.length) return known.sorted
  const sorted = [...ids].sort(byCodeUnit)
  sortedOnce.set(ids, { length: ids.length, sorted })
  return sorted
}

/** So many of the sorted ids behind `key`, and whether there are more. */
export function idsAfter(sorted: readonly string[], key: string, count: number): { ids: readonly string[]; more: boolean } {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! > key) high = middle
    else low = middle + 1
  }
  return { ids: sorted.slice(low, low + count), more: low + count < sorted.length }
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
