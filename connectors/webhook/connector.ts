import { z } from 'zod'
import { ConnectError, type ConnectorType } from '../../src/ports/connector.ts'

const WebhookOnly = z.strictObject({
  baseline: z.literal('declared').describe('such an application is never complete by itself: a person declares its baseline (`grantline rule`)'),
})
type WebhookOnly = z.infer<typeof WebhookOnly>

/** An application that can't be read at all: what is known of it is what it delivered, as its `webhook` settings say. */
export const connector: ConnectorType<WebhookOnly> = {
  kind: 'webhook',
  summary: 'an application that can not be read and only delivers webhooks',
  config: WebhookOnly,
  open: () => Promise.reject(new ConnectError('configuration', 'an application that only delivers can not be read', 'webhook')),
}
