import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Writes src/core/fold-table.ts: Unicode's simple case folding (one code point to one), taken from the Unicode data of the Node that
 * runs this. Run it by hand only (`node schemas/generate-folding.ts`): another table gives other keys, so it is a change of every
 * processor's version.
 */
const LAST_CODE_POINT = 0x10ffff
const SURROGATES = [0xd800, 0xdfff] as const
const CHEROKEE = [[0x13a0, 0x13fd], [0xab70, 0xabbf]] as const
/** Equal under folding, but with no single code point as upper case to find that by. */
const WITHOUT_UPPER_CASE: Readonly<Record<number, number>> = { 0x1fd3: 0x390, 0x1fe3: 0x3b0, 0xfb05: 0xfb06 }

/** Regular expressions with `iu` compare by simple case folding; lower and upper case only propose candidates. */
function simpleFold(codePoint: number): number {
  const character = String.fromCodePoint(codePoint)
  const exception = WITHOUT_UPPER_CASE[codePoint]
  const candidates = CHEROKEE.some(([from, to]) => codePoint >= from && codePoint <= to)
    ? [character.toUpperCase()]
    : [character.toUpperCase().toLowerCase(), character.toLowerCase()]
  if (exception !== undefined) candidates.unshift(String.fromCodePoint(exception))
  return candidates.find((candidate) => candidate === character || foldsAlike(character, candidate))?.codePointAt(0) ?? codePoint
}

export function foldsAlike(character: string, other: string): boolean {
  return String.fromCodePoint(other.codePointAt(0) ?? 0) === other && new RegExp(`^\\u{${character.codePointAt(0)!.toString(16)}}$`, 'iu').test(other)
}

type Run = [first: number, last: number, step: number, delta: number]

/** Runs of code points, `step` apart, that fold by adding `delta`. */
export function foldRuns(): Run[] {
  const runs: Run[] = []
  for (let codePoint = 0; codePoint <= LAST_CODE_POINT; codePoint++) {
    if (codePoint >= SURROGATES[0] && codePoint <= SURROGATES[1]) continue
    const delta = simpleFold(codePoint) - codePoint
    if (delta === 0) continue
    const run = runs.at(-1)
    const gap = run === undefined ? 0 : codePoint - run[1]
    const extends_ = run !== undefined && run[3] === delta && (run[0] === run[1] ? gap <= 2 : gap === run[2])
    if (extends_) {
      run[2] = gap
      run[1] = codePoint
    } else {
      runs.push([codePoint, codePoint, 1, delta])
    }
  }
  return runs
}

function foldTableText(): string {
  const lines: string[] = []
  let line = ' '
  for (const run of foldRuns()) {
    const item = ` [${run.join(', ')}],`
    if (line.length + item.length > 120) {
      lines.push(line)
      line = ' '
    }
    line += item
  }
  return `// Written by schemas/generate-folding.ts; not by hand.
/** The version of Unicode that the table is of. */
export const FOLD_TABLE_UNICODE = '${process.versions['unicode']}'

/** Runs [first, last, step, delta] of code points which fold by adding \`delta\`; what is not here folds to itself. */
export const foldTable: readonly (readonly [number, number, number, number])[] = [
${[...lines, line].join('\n')}
]
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../src/core/fold-table.ts', import.meta.url), foldTableText())
}
