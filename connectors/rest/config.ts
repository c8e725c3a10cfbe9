import { z } from 'zod'
import { OperationName } from '../../schemas/wire/operations.ts'
import { expression, type VariableNames } from '../../src/connect/declared/expression.ts'
import { DeclaredMap } from '../../src/connect/declared/mapping.ts'
import { template, templateTree } from '../../src/connect/declared/template.ts'
import { Auth, headerName } from '../../src/connect/credentials.ts'
import { HandOverConfig } from '../../src/connect/hand-over.ts'
import { Paging } from '../../src/connect/paging/config.ts'

/** What expressions of each place may speak of. */
export const names = {
  answer: ['status', 'headers', 'body'],
  row: ['row', 'parent', 'item'],
  path: ['parent'],
  one: ['id'],
  changes: ['cursor'],
  read: ['account', 'ref', 'credential', 'attributes'],
  write: ['account', 'ref', 'credential', 'attributes', 'read'],
  written: ['account', 'ref', 'credential', 'attributes', 'read', 'status', 'headers', 'body'],
  secret: ['account', 'ref', 'credential', 'attributes', 'read', 'secret'],
} as const satisfies Record<string, VariableNames>

const ofAnswer = expression(...names.answer)
const httpUrl = z.url({ protocol: /^https?$/ })
const path = (...known: string[]) => template(...known).refine((text) => text.startsWith('/'), 'a path begins with a slash; it is appended to baseUrl')
const query = (...known: string[]) => z.record(z.string(), template(...known)).default({})

const list = (...known: string[]) => ({
  path: path(...known),
  query: query(...known),
  rows: ofAnswer.default('body').describe('the list of rows in an answer'),
  total: ofAnswer.optional().describe('how many rows there are in all, as the application counts them'),
  start: ofAnswer.optional().describe('position of the first row, counted from 0, where the application says it'),
  next: ofAnswer.optional().describe('for paging by cursor or url: what leads to the next page; null or empty at the end'),
  error: ofAnswer.optional().describe('true where an answer with a good status holds an error'),
  expired: ofAnswer.optional().describe('true where the application says that it no longer knows the cursor'),
  paging: Paging.optional().describe('where it differs from the application’s'),
  pageSize: z.int().min(1).max(100_000).optional().describe('rows asked for with each page'),
})
export type RestList = z.infer<z.ZodObject<ReturnType<typeof list>>>

const RestStream = z.strictObject({
  name: z.string().min(1),
  ...list(...names.path),
  each: z
    .strictObject({ of: z.string(), key: expression('row') })
    .optional()
    .describe('read once for each row of an earlier stream, whose key is `parent`'),
  id: expression('row').optional().describe('what names a row in this list; found in the map where that says it without `item`, else all it says'),
  map: DeclaredMap,
})
export type RestStream = z.infer<typeof RestStream>

const RestOne = z.strictObject({
  ...list(...names.one),
  rows: ofAnswer.default('[body]').describe('the list of rows in an answer'),
  paging: Paging.optional().describe('without it: asked for once where `rows` is written as a list, else the application’s'),
  like: z.string().optional().describe('rows mean what they mean in this stream'),
  map: DeclaredMap.optional().describe('and this besides'),
  gone: ofAnswer.default('status == 404').describe('the application has no such account: first request only, believed where another account is found'),
})
export type RestOne = z.infer<typeof RestOne>

const RestChanges = z.strictObject({
  ...list(...names.changes),
  accounts: expression('row').describe('native id, or a list of them, of each row'),
  cursor: ofAnswer.describe('where the next question begins, from the last page'),
  start: z.string().default('0').describe('cursor of the very first question, whose rows are left out'),
  restarted: expression('cursor', ...names.answer).optional().describe('true where the application’s cursors began again'),
})
export type RestChanges = z.infer<typeof RestChanges>

const RestStep = z.strictObject({
  name: z.string().min(1),
  when: expression(...names.read).optional().describe('the step is part of the operation only where this is true'),
  read: path(...names.read).optional().describe('asked for first; its answer is `read` with status, headers and body'),
  holds: expression(...names.write).optional().describe('true where `read` shows that nothing is to be done'),
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']),
  path: path(...names.write),
  query: query(...names.write),
  headers: z.record(headerName, template(...names.write)).default({}),
  body: templateTree(...names.secret).optional().describe('JSON; texts in it may hold ${expressions}'),
  idempotencyKey: headerName.optional().describe('header in which the application takes an idempotency key'),
  already: expression(...names.written).optional().describe('the answer says that it was so before'),
  refused: expression(...names.written).optional().describe('an answer with a good status that refuses all the same'),
  newSecret: z
    .union([z.literal('made'), expression(...names.written)])
    .optional()
    .describe('of rotate-credential: `made` here and sent as ${secret} in the body, or what finds it in the answer; handed over'),
})
export type RestStep = z.infer<typeof RestStep>

function secretProblem(operation: string, step: RestStep, handOver: string | null): { field: keyof RestStep; message: string } | null {
  const { newSecret } = step
  if (newSecret !== undefined && operation !== 'rotate-credential') return { field: 'newSecret', message: 'only rotate-credential has a new secret' }
  if (newSecret !== undefined && handOver === null) return { field: 'newSecret', message: 'set handOver: where its owner finds it' }
  if (operation === 'rotate-credential' && step.holds === undefined && step.idempotencyKey === undefined) {
    return { field: 'holds', message: 'say when it was rotated already, or name the header of an idempotency key: a rotation whose answer was lost may not be repeated blindly' }
  }
  if (newSecret !== 'made' && JSON.stringify(step.body ?? null).includes('${secret}')) return { field: 'body', message: '${secret} is there where newSecret is `made`' }
  return null
}

export const RestConfig = z
  .strictObject({
    baseUrl: httpUrl.transform((url) => url.replace(/\/+$/, '')).describe('what every path is appended to'),
    headers: z.record(headerName, z.string()).default({}).describe('sent with every request; secrets belong in auth'),
    auth: Auth.default({ kind: 'none' }),
    paging: Paging.default({ by: 'once', whole: false }),
    pageSize: z.int().min(1).max(100_000).default(200),
    handOver: HandOverConfig,
    streams: z.array(RestStream).min(1).describe('read in this order; what defines roles and groups comes first'),
    one: z.array(RestOne).min(1).optional().describe('one account, read singly'),
    changes: RestChanges.optional(),
    write: z.partialRecord(OperationName, z.array(RestStep).min(1)).default({}),
  })
  .superRefine((config, context) => {
    const known = new Set<string>()
    for (const [at, stream] of config.streams.entries()) {
      if (known.has(stream.name)) context.addIssue({ code: 'custom', path: ['streams', at, 'name'], message: 'two streams have this name' })
      if (stream.each !== undefined && !known.has(stream.each.of)) {
        context.addIssue({ code: 'custom', path: ['streams', at, 'each', 'of'], message: 'no earlier stream has this name' })
      }
      known.add(stream.name)
    }
    for (const [at, one] of (config.one ?? []).entries()) {
      const path = ['one', at, 'like']
      if (one.like !== undefined && !known.has(one.like)) context.addIssue({ code: 'custom', path, message: 'no stream has this name' })
      if (one.like === undefined && one.map === undefined) context.addIssue({ code: 'custom', path, message: 'a single read needs like or map' })
    }
    for (const [operation, steps] of Object.entries(config.write)) {
      for (const [at, step] of steps.entries()) {
        const problem = secretProblem(operation, step, config.handOver)
        if (problem !== null) context.addIssue({ code: 'custom', path: ['write', operation, at, problem.field], message: problem.message })
      }
    }
    if (config.changes !== undefined && config.one === undefined) {
      context.addIssue({ code: 'custom', path: ['changes'], message: 'changes are read singly: say how under one' })
    }
  })
export type RestConfig = z.infer<typeof RestConfig>
