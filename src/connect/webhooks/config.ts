import { z } from 'zod'
import { expression } from '../declared/expression.ts'
import { DeclaredMap } from '../declared/mapping.ts'
import { secretReference } from '../secrets.ts'

const secrets = z.array(secretReference).min(1).describe('any of them; several while keys change')
const ofBody = expression('body')

const Verify = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('standard'), secrets }).describe('Standard Webhooks: whsec_…'),
  z.strictObject({
    kind: z.literal('hmac'),
    secrets,
    signature: z.string().default('x-hub-signature-256').describe('header with the hex HMAC-SHA256 of the body'),
    prefix: z.string().default('sha256='),
    id: z.string().default('x-github-delivery').describe('header with the delivery’s id'),
  }).describe('GitHub and its like'),
])

/** How deliveries of an application are verified, and what they mean. */
export const WebhookConfig = z
  .strictObject({
    verify: Verify,
    toleranceSeconds: z.number().min(1).default(300).describe('between signing and arrival, where the time is signed'),
    when: ofBody.default('true').describe('deliveries for which this is false are taken and left aside'),
    accounts: ofBody.optional().describe('native id, or a list of them, to be read again: where the application can be read'),
    map: DeclaredMap.optional().describe('what the delivery says, as `row`: where the application can’t be read'),
    remove: DeclaredMap.optional().describe('memberships and grants that it says are gone'),
    gone: ofBody.optional().describe('native id of an account that it says is gone; null: none is'),
    whole: z.boolean().default(false).describe('a delivery tells everything of its account: what it does not name is gone'),
    time: ofBody.optional().describe('when it happened, by the application’s clock: an older delivery about the same account changes nothing'),
    sequence: ofBody.optional().describe('whole number that grows by one with every delivery: says the order, and what is missing'),
    expectEverySeconds: z.number().min(1).nullable().default(null).describe('longer silence than this is told as a loss; heartbeats count'),
  })
  .superRefine(({ accounts, map, remove, gone }, context) => {
    const content = map !== undefined || remove !== undefined || gone !== undefined
    if ((accounts !== undefined) === content) context.addIssue({ code: 'custom', path: ['accounts'], message: 'say either which accounts to read again (accounts), or what a delivery means (map, remove, gone)' })
    if (map?.some(({ piece }) => piece === 'definition' || piece === 'child') === true) {
      context.addIssue({ code: 'custom', path: ['map'], message: 'deliveries tell of accounts; roles and groups are read' })
    }
    if (remove?.some(({ piece }) => piece !== 'membership' && piece !== 'grant') === true) {
      context.addIssue({ code: 'custom', path: ['remove'], message: 'only memberships and grants are removed so; an account goes by `gone`' })
    }
  })
export type WebhookConfig = z.infer<typeof WebhookConfig>
