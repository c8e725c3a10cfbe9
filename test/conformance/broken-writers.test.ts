import { describe, expect, it } from 'vitest'
import { type WriteBreak, brokenWriter, writeBreaks } from './broken-writers.ts'
import { writeFailures } from './failures.ts'
import { keyedServed, overwritingServed } from './write-subjects.ts'

const both = (scenario: string): string[] => [`${scenario}: disable`, `${scenario}: grant`]

const refused = [
  ...both('refused with 400'),
  ...both('refused with 403'),
  ...both('refused with 405'),
  ...both('refused with 422'),
  ...both('refused with 423'),
  ...both('401 for good'),
  ...both('a redirect to another host'),
  'throttled for good: grant',
]

/** The scenarios in which each break tells or does something untrue: the kit has to see all of them, and no others. */
const concerned: Record<WriteBreak, readonly string[]> = {
  'takes errors for success': [
    ...both('not carried out, no answer'),
    ...both('not carried out, and never an answer'),
    ...both('not carried out, and answered 500 once'),
    ...both('not carried out, and answered 503 once'),
    ...both('not carried out, and answered 500 for good'),
    ...refused,
    ...both('throttled by 503 with Retry-After'),
    ...both('an error inside 200'),
    ...both('a sign-in page with 200'),
    'the account is called ..: disable',
    'somebody changes the same account in between: disable',
    'the account is deleted in between: disable',
  ],
  'takes every refusal for done before': [
    ...refused,
    ...both('an error inside 200'),
    'the account is called ..: disable',
    'somebody changes the same account in between: disable',
  ],
  'asks with another key each time': [
    'carried out, no answer: grant',
    'carried out, the answer cut in the middle: grant',
    'carried out, no answer and no end: grant',
    'carried out, and never an answer: grant',
    'carried out, and answered 500: grant',
    'carried out, and answered 502: grant',
    'carried out, and answered 503: grant',
    'carried out, and answered 504: grant',
    'carried out, and answered 500 for good: grant',
    'carried out, and answered with a page of a proxy: grant',
    'the process ends between the first call and its note of it: grant',
    'no answer, and the process ends: grant',
  ],
  'says that everything was so before': [
    ...both('carried out, the answer byte by byte'),
    ...both('throttled once, Retry-After in seconds'),
    ...both('throttled once, no header'),
    ...both('throttled three times, no header'),
    ...both('every second request that writes is throttled'),
    ...both('nothing is wrong, and the same command comes twice at once'),
    ...both('nothing is wrong, and the same command comes again to a successor'),
    ...both('the next read is behind'),
    ...both('five reads are behind'),
    ...both('the read after the write fails once'),
    ...both('the read after the write is no account'),
    'somebody does the same just before: grant',
    ...both('somebody changes another account meanwhile'),
    'somebody adds another member in between: grant',
  ],
  'reads back what it believes to have written': [
    ...both('dropped, and answered as carried out'),
    ...both('the next read is behind'),
    ...both('five reads are behind'),
    ...both('reads are behind for longer than they may be'),
    ...both('somebody undoes it in the same moment'),
  ],
}

describe.each(Object.keys(writeBreaks) as WriteBreak[])('a writer that %s', (name) => {
  it('is found out in every scenario that it concerns, and only there', async () => {
    expect(await writeFailures({ ...keyedServed(), wrap: brokenWriter(name) })).toEqual(concerned[name])
  }, 120_000)
})

describe('a writer that writes back what it read, over any version', () => {
  it('is found out where somebody else was faster', async () => {
    expect(await writeFailures(overwritingServed())).toEqual(['somebody changes the same account in between: disable'])
  }, 120_000)
})
