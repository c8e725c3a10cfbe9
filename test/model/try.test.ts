import fc from 'fast-check'
import { it } from 'vitest'
import { endsAsTheModelSays, stages } from './checks.ts'
import { histories, loads } from './histories.ts'

const runs = Number(process.env['RUNS'] ?? 20)
const seed = Number(process.env['SEED'] ?? 1)
for (const [name, arb] of [['loads', loads], ['histories', histories]] as const) {
  if (process.env['ONLY'] && process.env['ONLY'] !== name) continue
  it(name, () => {
    const t = Date.now()
    let n = 0
    const result = fc.check(fc.property(arb, (history) => {
      n++
      const wrong = endsAsTheModelSays(history, stages)
      if (wrong.length > 0) throw new Error(wrong.join('\n'))
    }), { numRuns: runs, seed, endOnFailure: false, interruptAfterTimeLimit: 100_000 })
    console.log(name, 'runs', n, 'ms', Date.now() - t, result.failed)
    if (result.failed) console.log(JSON.stringify(result.counterexample![0]), '\n', String(result.errorInstance).slice(0, 2000))
  }, 200_000)
}
