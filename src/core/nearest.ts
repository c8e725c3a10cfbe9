import { canonicalId } from './canonical-id.ts'

/** How many edits away from a known word of so many characters a mistyped one may be. */
const edits = (length: number): number => Math.max(2, Math.floor(length / 3))

/** The known word that is nearest to a mistyped one, whatever the case of letters; undefined where none is near enough. */
export function nearest(word: string, known: Iterable<string>, maxEdits = edits): string | undefined {
  const folded = fold(word)
  let best: { word: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(folded, fold(candidate))
    if (best === undefined || distance < best.distance) best = { word: candidate, distance }
  }
  return best !== undefined && best.distance <= maxEdits(best.word.length) ? best.word : undefined
}

const fold = (word: string): string => canonicalId('fold', word)

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(replace, previous[j]! + 1, current[j - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
