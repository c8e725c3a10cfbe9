import type { AppSource } from '../../../src/connect/app-reader.ts'
import { WebhookConfig } from '../../../src/connect/webhooks/config.ts'

/** What an application that only delivers says: an account, and its groups. */
export const webhook = {
  verify: { kind: 'hmac', secrets: ['env:HOOK'] },
  map: [
    { piece: 'account', id: 'row.id', display: 'row.name' },
    { piece: 'membership', for: 'row.groups', account: 'row.id', id: 'item' },
  ],
}

export const appSettings = (): AppSource => ({
  name: 'app', ids: 'exact', everySeconds: 3_600, changesEverySeconds: 3_600, changesLagMs: 0, visibilityMs: null, active: true, limits: { maxPerSecond: 100, maxInFlight: 2 }, config: {},
  deliversOnly: true, webhook: WebhookConfig.parse(webhook), open: () => Promise.reject(new Error('it is not read')),
})
