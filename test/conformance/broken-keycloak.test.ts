import { expect, it } from 'vitest'
import { singleScenariosFor } from '../../src/conformance/observe-scenarios.ts'
import type { AppSource } from '../../src/connect/app-reader.ts'
import { ConnectError, type HttpRequest } from '../../src/ports/connector.ts'
import { broken } from './broken.ts'
import { brokenWriter } from './broken-writers.ts'
import { observeFailures, readFailures, writeFailures } from './failures.ts'
import { keycloakServed } from './subjects.ts'
import { keycloakWritten } from './write-subjects.ts'

const both = (scenario: string): string[] => [`${scenario}: disable`, `${scenario}: grant`]

it('a reader of Keycloak that swallows errors is found out', async () => {
  expect(await readFailures({ ...keycloakServed(), wrap: broken('swallows errors') })).toEqual([
    '500 for good from the second page on', '403 from the second page on', '404 in the middle', '400 in the middle',
    'JSON that ends in the middle, with the right length, in the middle', 'an empty body with 200, in the middle', 'an error inside 200, in the middle',
    'two answers in one body, in the middle', 'a row is missing from one page', 'one row is never shown', 'a page comes without its last row',
    'a page comes empty in the middle, once', 'a page comes empty in the middle, for good', 'a row comes twice and another one not', 'a total that is too high',
    'a total that is too low', 'a total of nothing', 'a total below zero', 'the list of groups loses one', 'the list of groups comes empty',
    'members of every group come without regard to the page',
    'from the second page on, pages come in reverse order',
  ])
}, 600_000)

it('one that takes every error for an account that is gone is found out', async () => {
  const goneInstead = (error: unknown): null => {
    if (error instanceof ConnectError) return null
    throw error
  }
  const failed = await observeFailures(keycloakServed(), ({ readOne }) => ({ readOne: (id) => readOne(id).catch(goneInstead) }), (kit) => [singleScenariosFor(new Set(['id', 'world', 'groups-apart'])), (scenario) => kit.single(scenario)])
  expect(failed).toEqual([
    '500 for good', '403', '401 for good', 'the connection is reset for good', 'JSON that ends in the middle, with the right length', 'an empty body with 200', 'null with 200',
    'a sign-in page with 200', 'an error inside 200', 'a redirect to another host', 'not found, and no other one either', 'another account is answered', 'the id is missing',
    'the id is empty', 'the account is a list of one', 'the groups are refused', 'the groups fail from the second page on',
  ])
}, 120_000)

it('a writer to Keycloak that takes errors for success is found out', async () => {
  expect(await writeFailures({ ...keycloakWritten('groups'), wrap: brokenWriter('takes errors for success') })).toEqual([
    ...both('not carried out, no answer'),
    ...both('not carried out, and never an answer'),
    ...both('not carried out, and answered 500 once'),
    ...both('not carried out, and answered 503 once'),
    ...both('not carried out, and answered 500 for good'),
    ...[400, 403, 405, 422, 423].flatMap((status) => both(`refused with ${status}`)),
    ...both('401 for good'),
    ...both('a redirect to another host'),
    'throttled for good: grant',
    ...both('throttled by 503 with Retry-After'),
    ...both('a sign-in page with 200'),
    'the account is called ..: disable',
    'the account is deleted in between: disable',
  ])
}, 120_000)

it('one that reads back what it believes to have written is found out', async () => {
  expect(await writeFailures({ ...keycloakWritten('groups'), wrap: brokenWriter('reads back what it believes to have written') })).toEqual([
    ...both('dropped, and answered as carried out'),
    'five reads are behind: grant',
    ...both('reads are behind for longer than they may be'),
    ...both('somebody undoes it in the same moment'),
  ])
}, 120_000)

/** What it read of a user goes back with what it changes. */
const whole = (app: AppSource): AppSource => ({
  ...app,
  open(platform) {
    const read = new Map<string, object>()
    const request = async (asked: HttpRequest) => {
      const known = read.get(asked.url)
      const isWhole = asked.method === 'PUT' && asked.body !== undefined && known !== undefined
      const response = await platform.http.request(isWhole ? { ...asked, body: JSON.stringify({ ...known, ...(JSON.parse(asked.body ?? '') as object) }) } : asked)
      if (asked.method === 'GET' && response.status === 200 && /\/users\/[^/?]+$/.test(asked.url)) read.set(asked.url, JSON.parse(response.body) as object)
      return response
    }
    return app.open({ ...platform, http: { request } })
  },
})

it('one that writes a user back whole is found out where somebody else was faster', async () => {
  expect(await writeFailures({ ...keycloakWritten('groups'), wrap: whole })).toEqual(['somebody changes the same account in between: disable'])
}, 120_000)
