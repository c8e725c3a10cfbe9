import { compareKeys } from '../../core/order.ts'
import type { Page } from '../../ports/connector.ts'

/**
 * Lists that belong together, one for each key, are read in the order of their keys: where an earlier read ended is then one key. These
 * are the keys behind `last`; null: all.
 */
export const behind = (keys: Iterable<string>, last: string | null): string[] =>
  [...new Set(keys)].sort(compareKeys).filter((key) => last === null || compareKeys(key, last) > 0)

/** The pages of one of the lists; its last page, told as such once the list has ended, is where a later read can go on. */
export async function* endingWith(pages: AsyncIterable<Page>, resume: () => string): AsyncGenerator<Page> {
  let held: Page | null = null
  try {
    for await (const page of pages) {
      if (held !== null) yield held
      held = { ...page, resume: null }
    }
  } catch (error) {
    if (held !== null) yield held
    throw error
  }
  if (held !== null) yield { ...held, resume: resume() }
}
