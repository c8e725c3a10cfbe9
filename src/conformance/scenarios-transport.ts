import * as effect from '../hostile/effects.ts'
import type { Effect } from '../hostile/fault.ts'
import { type Expected, type Scenario, wire } from './scenario.ts'

const http = ['http'] as const
const users = { list: 'users' } as const
const once = { ...users, times: 1 }
const secondOnce = { ...users, from: 1, times: 1 }
const fromSecond = { ...users, from: 1 }
const inThreeSeconds = (): string => new Date(Date.now() + 3_000).toUTCString()

/** On the first request of a list, and in the middle of one. */
const both = (name: string, expected: Expected, what: Effect): Scenario[] => [
  wire(`${name}, on the first page`, expected, http, once, what),
  wire(`${name}, in the middle`, expected, ['http', 'pages'], secondOnce, what),
]

const impatient = ['http', 'pages', 'impatient'] as const

/** How requests and answers get lost, late or damaged on their way, whatever the application. */
export const transportScenarios: readonly Scenario[] = [
  wire('throttled once, Retry-After in seconds', 'exact', http, once, effect.refuse(429, { 'retry-after': '3' })),
  wire('throttled once, Retry-After as a date', 'exact', http, once, (exchange) => effect.refuse(429, { 'retry-after': inThreeSeconds() })(exchange)),
  wire('throttled once, no header', 'exact', http, once, effect.refuse(429)),
  wire('throttled once, X-RateLimit-Reset only', 'exact', http, once, effect.refuse(429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2' })),
  wire('throttled once, RateLimit in the new form', 'exact', http, once, effect.refuse(429, { ratelimit: '"default";r=0;t=2' })),
  wire('throttled once, Retry-After is nonsense', 'exact', http, once, effect.refuse(429, { 'retry-after': 'soon' })),
  wire('throttled three times in a row, no header', 'exact', http, { ...users, times: 3 }, effect.refuse(429)),
  wire('every third request throttled, no header', 'exact', ['http', 'pages'], users, (exchange) => (exchange.asked.nth % 3 === 1 ? effect.refuse(429)(exchange) : null)),
  ...both('throttled by 503 with Retry-After', 'exact', effect.refuse(503, { 'retry-after': '1' })),
  wire('503 twice', 'exact', http, { ...users, times: 2 }, effect.refuse(503)),
  ...both('500 once', 'exact', effect.refuse(500)),
  ...both('502 with a page of a proxy once', 'exact', effect.htmlPage(502)),
  ...both('504 once', 'exact', effect.refuse(504)),
  wire('500 for good from the second page on', 'partial', ['http', 'pages'], fromSecond, effect.refuse(500)),
  wire('500 for good from the first page on', 'partial', http, users, effect.refuse(500)),
  wire('501 for good', 'partial', http, users, effect.refuse(501)),
  wire('403 on the list', 'partial', http, users, effect.refuse(403)),
  wire('403 from the second page on', 'partial', ['http', 'pages'], fromSecond, effect.refuse(403)),
  wire('401 for good', 'partial', http, { times: Infinity }, effect.refuse(401)),
  wire('the token ends in the middle', 'exact', ['http', 'pages', 'renewable'], secondOnce, effect.refuse(401)),
  wire('404 on the list', 'partial', http, users, effect.refuse(404)),
  wire('404 in the middle', 'safe', ['http', 'pages'], fromSecond, effect.refuse(404)),
  wire('410 on the list', 'partial', http, users, effect.refuse(410)),
  wire('400 in the middle', 'partial', ['http', 'pages'], fromSecond, effect.refuse(400)),
  wire('a redirect to another host', 'partial', http, users, effect.refuse(302, { location: 'http://127.0.0.2:1/elsewhere' })),
  wire('a redirect in a circle', 'partial', http, users, (exchange) => effect.refuse(302, { location: exchange.asked.target })(exchange)),
  ...both('the connection is reset before the answer once', 'exact', effect.noAnswer('reset')),
  wire('the connection is reset before the answer, for good', 'partial', http, users, effect.noAnswer('reset')),
  ...both('the connection is reset in the middle of the answer once', 'exact', effect.onTheWire('cut')),
  wire('the connection is reset in the middle of the answer, for good', 'partial', http, users, effect.onTheWire('cut')),
  wire('no answer and no end, once', 'exact', impatient, once, effect.noAnswer('hang')),
  wire('no answer and no end, in the middle, once', 'exact', impatient, secondOnce, effect.noAnswer('hang')),
  wire('no answer and no end, for good', 'partial', impatient, fromSecond, effect.noAnswer('hang')),
  wire('the answer stops in the middle and does not end, once', 'exact', impatient, secondOnce, effect.onTheWire('stall')),
  wire('the answer stops in the middle and does not end, for good', 'partial', impatient, fromSecond, effect.onTheWire('stall')),
  ...both('the answer comes byte by byte', 'exact', effect.onTheWire('drip')),
  ...both('JSON that ends in the middle, with the right length', 'safe', effect.body((text) => text.slice(0, Math.floor(text.length / 2)))),
  wire('JSON that ends in the middle, for good', 'partial', http, users, effect.body((text) => text.slice(0, -3))),
  ...both('an empty body with 200', 'safe', effect.body(() => '')),
  wire('an empty body with 200, for good', 'partial', http, users, effect.body(() => '')),
  wire('204 instead of a list', 'partial', http, users, effect.refuse(204, {}, undefined)),
  wire('a sign-in page with 200', 'partial', http, users, effect.htmlPage(200)),
  wire('null with 200', 'partial', http, users, effect.body(() => 'null')),
  wire('an error inside 200', 'partial', http, users, effect.refuse(200, {}, { error: { code: 'internal', message: 'the index is being rebuilt' } })),
  wire('an error inside 200, in the middle', 'safe', ['http', 'pages'], fromSecond, effect.refuse(200, {}, { error: 'try later' })),
  ...both('two answers in one body', 'safe', effect.body((text) => `${text}${text}`)),
  wire('a content encoding that is none', 'partial', http, users, effect.headers({ 'content-encoding': 'gzip' })),
  wire('a byte order mark before the JSON', 'safe', http, users, effect.body((text) => `\uFEFF${text}`)),
]
