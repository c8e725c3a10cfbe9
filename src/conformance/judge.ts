import type { Account, AttributesFacet, Definition } from '../../schemas/wire/raw.ts'
import type { Reading } from './reading.ts'
import type { Expected } from './scenario.ts'

/** The truth before the run, and after it: what changed in between may be seen either way. */
interface Truth {
  before: Reading
  after: Reading
}

type Facet = 'memberships' | 'grants' | 'credentials'
const facets: readonly Facet[] = ['memberships', 'grants', 'credentials']

/**
 * What a run got wrong, in sentences; none where it is the exact truth, or partial and says where. Pure. The rule is the product's:
 * what is called complete is all of it, what is called whole is right, and nothing is made up or told twice.
 */
export function judge(reading: Reading, truth: Truth, expected: Expected): string[] {
  return [
    ...reading.repeated.map((what) => `${what} was told twice`),
    ...verdicts(reading, expected),
    ...missing(reading, truth),
    ...madeUp(reading, truth),
    ...contents(reading, truth),
    ...definitions(reading, truth),
    ...rejections(reading, expected),
  ]
}

const isComplete = (reading: Reading, name: string): boolean => reading.classes.get(name)?.verdict === 'complete'

function verdicts(reading: Reading, expected: Expected): string[] {
  const wrong: string[] = []
  // An application that can't even be opened: nothing is claimed, and the run says why.
  if (reading.classes.size === 0) return reading.reason !== null && expected !== 'exact' ? [] : ['the run says nothing about what it read']
  let losses = 0
  for (const [name, { verdict, reason, place }] of reading.classes) {
    if (verdict === 'complete') continue
    losses += 1
    if (reason === null || reason === '') wrong.push(`${name} is ${verdict} without a reason`)
    if (verdict === 'partial' && (place === null || place === '')) wrong.push(`${name} is partial and names no place`)
    if (expected === 'exact') wrong.push(`${name} is ${verdict}: ${reason} (${place}); everything could be read`)
  }
  if (expected === 'partial' && losses === 0) wrong.push('something was lost, and the run says that it is complete')
  return wrong
}

function missing(reading: Reading, { before, after }: Truth): string[] {
  if (!isComplete(reading, 'accounts')) return []
  return [...before.accounts.keys()]
    .filter((id) => after.accounts.has(id) && !reading.accounts.has(id) && !reading.seen.has(id))
    .map((id) => `account ${id} is missing, and accounts are called complete`)
}

function madeUp(reading: Reading, { before, after }: Truth): string[] {
  const known = (id: string): boolean => before.accounts.has(id) || after.accounts.has(id)
  return [...reading.accounts.keys()].filter((id) => !known(id)).map((id) => `account ${id} does not exist`)
}

function contents(reading: Reading, { before, after }: Truth): string[] {
  return [...reading.accounts].flatMap(([id, account]) => {
    const truths = [before.accounts.get(id), after.accounts.get(id)].filter((one) => one !== undefined)
    const held = truths.length === 2 ? truths : [...truths, nothing] // whoever came or went meanwhile held nothing at some time
    return [...attributes(id, account, truths), ...facets.flatMap((facet) => assignments(id, account, held, facet, isComplete(reading, facet)))]
  })
}

function attributes(id: string, { attributes: told }: Account, truths: readonly Account[]): string[] {
  const of = (facet: AttributesFacet | null): string => JSON.stringify({ ...facet, whole: true })
  if (told === null || !told.whole || truths.some((truth) => of(truth.attributes) === of(told))) return []
  return [`attributes of ${id} are not what the application says`]
}

type Held = Pick<Account, Facet>
const nothing: Held = { memberships: null, grants: null, credentials: null }

function assignments(id: string, account: Account, truths: readonly Held[], facet: Facet, complete: boolean): string[] {
  const told = account[facet]
  if (told === null) return []
  const keys = (of: Held): string[] => (of[facet]?.added ?? []).map((entry) => JSON.stringify(entry)).sort()
  const own = keys(account)
  if (new Set(own).size !== own.length) return [`${facet} of ${id} name something twice`]
  if (told.whole) {
    if (truths.some((truth) => JSON.stringify(keys(truth)) === JSON.stringify(own))) return []
    return [`${facet} of ${id} are called whole and are not what the application says`]
  }
  const any = new Set(truths.flatMap(keys))
  if (own.some((key) => !any.has(key))) return [`${facet} of ${id} hold something that the application does not say`]
  return complete && account.attributes?.whole === true ? [`${facet} are called complete, and those of ${id} are not whole`] : []
}

function definitions(reading: Reading, { before, after }: Truth): string[] {
  const wrong: string[] = []
  if (isComplete(reading, 'definitions')) {
    for (const key of before.definitions.keys()) {
      if (after.definitions.has(key) && !reading.definitions.has(key)) wrong.push(`definition ${key} is missing, and definitions are called complete`)
    }
  }
  for (const [key, told] of reading.definitions) {
    const truths = [before.definitions.get(key), after.definitions.get(key)].filter((one) => one !== undefined)
    const children = (of: Definition): string => JSON.stringify(of.children)
    if (told.whole && !truths.some((truth) => children(truth) === children(told))) wrong.push(`definition ${key} is called whole and is not what the application says`)
  }
  return wrong
}

function rejections(reading: Reading, expected: Expected): string[] {
  const told = new Set(reading.letters.map(({ record }) => record))
  const wrong = [...reading.seen].filter((id) => ![...told].some((record) => record !== null && record.toLowerCase() === id.toLowerCase()))
    .map((id) => `account ${id} was rejected, and no dead letter says so`)
  if (expected === 'refused' && reading.letters.length === 0) wrong.push('rows could not be mapped, and there is no dead letter')
  return wrong
}
