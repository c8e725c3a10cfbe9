import { describe, expect, it } from 'vitest'
import { broken, breaks, type Break } from './broken.ts'
import { readFailures } from './failures.ts'
import { restServed } from './subjects.ts'

/** The scenarios in which each break loses something: the kit has to see all of them, and no others. */
const concerned: Record<Break, readonly string[]> = {
  'swallows errors': [
    '500 for good from the second page on',
    '403 from the second page on',
    '404 in the middle',
    '400 in the middle',
    'JSON that ends in the middle, with the right length, in the middle',
    'an empty body with 200, in the middle',
    'an error inside 200, in the middle',
    'two answers in one body, in the middle',
    'a row is missing from one page',
    'one row is never shown',
    'a page comes without its last row',
    'a page comes empty in the middle, once',
    'a page comes empty in the middle, for good',
    'a row comes twice and another one not',
    'a total that is too high',
    'a total that is too low',
    'a total of nothing',
    'the list of groups loses one',
    'members of one group are refused',
    'members of one group are not found once',
    'members of every group come empty',
    'from the second page on, pages come in reverse order',
  ],
  'claims a snapshot and hides the counts': [
    'a row is missing from one page',
    'one row is never shown',
    'a row comes twice and another one not',
    'a total that is too low',
    'a total of nothing',
    'the list of groups loses one',
    'from the second page on, pages come in reverse order',
  ],
  'leaves out rows that it can not map': [
    'the id field has another name',
    'a mapped field has another name',
    'a mapped field has another name in one row',
    'ids are empty in one row',
    'ids are null in one row',
    'an id is a list',
  ],
  'folds ids': [
    'a mapped field has another name',
    'two ids differ in case only',
  ],
  'makes ids up': [
    'the id field has another name',
    'a mapped field has another name',
    'a mapped field has another name in one row',
    'ids are empty in one row',
    'ids are null in one row',
    'an id is a list',
    'a row is null',
    'a row is text',
  ],
}

describe.each(Object.keys(breaks) as Break[])('a connector that %s', (name) => {
  it('is found out in every scenario that it concerns, and only there', async () => {
    expect(await readFailures({ ...restServed('offset'), wrap: broken(name) })).toEqual(concerned[name])
  }, 600_000)
})
