import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AppConfig } from '../schemas/config.ts'
import type { AppSource } from '../src/connect/app-reader.ts'
import { describeIssues } from '../src/connect/errors.ts'
import { WebhookConfig } from '../src/connect/webhooks/config.ts'
import { reasonOf } from '../src/core/reason.ts'
import { ConnectError, type ConnectorType } from '../src/ports/connector.ts'

/** Every connector that ships: its kind, and where it is loaded from once it is used. */
export const connectors: Readonly<Record<string, () => Promise<{ connector: ConnectorType }>>> = {
  csv: () => import('./csv/connector.ts'),
  keycloak: () => import('./keycloak/connector.ts'),
  ldap: () => import('./ldap/connector.ts'),
  rest: () => import('./rest/connector.ts'),
  scim: () => import('./scim/connector.ts'),
  sql: () => import('./sql/connector.ts'),
  webhook: () => import('./webhook/connector.ts'),
}

export const connectorKinds = Object.keys(connectors)

/**
 * A shipped kind, or the path of a module (beginning with `.` or `/`, relative to `baseDir`) whose default export is a
 * ConnectorType. Throws ConnectError `configuration`.
 */
export async function loadConnector(kind: string, baseDir: string): Promise<ConnectorType> {
  const load = Object.hasOwn(connectors, kind) ? connectors[kind] : undefined
  if (load !== undefined) return (await load()).connector
  if (!/^\.{0,2}\//.test(kind)) {
    throw refusal(`there is no connector "${kind}"; there are ${connectorKinds.join(', ')}, or give the path of a module beginning with ./`, kind)
  }
  return await loadCustom(kind, baseDir)
}

/**
 * An application of the config file, its connector loaded and its settings checked. Throws ConnectError `configuration` that names
 * application, key and what was expected.
 */
export async function configureApp(name: string, app: AppConfig, baseDir: string, active = true): Promise<AppSource> {
  const type = await loadConnector(app.connector, baseDir)
  const config = type.config.safeParse(app.with)
  if (!config.success) throw refusal(`apps.${name}.with: ${describeIssues(config.error)}`, `apps.${name}`)
  const webhook = app.webhook === null ? null : WebhookConfig.safeParse(app.webhook)
  if (webhook?.success === false) throw refusal(`apps.${name}.webhook: ${describeIssues(webhook.error)}`, `apps.${name}`)
  const deliversOnly = type.kind === 'webhook'
  if (deliversOnly && webhook === null) throw refusal(`apps.${name}: an application that only delivers needs webhook settings`, `apps.${name}`)
  return {
    name,
    ...(webhook !== null && { webhook: webhook.data }),
    deliversOnly,
    ids: app.ids,
    everySeconds: app.everySeconds,
    changesEverySeconds: app.changesEverySeconds,
    changesLagMs: app.changesLagSeconds * 1_000,
    limits: app.limits,
    visibilityMs: app.remedy === null ? null : app.remedy.visibilitySeconds * 1_000,
    active,
    config: config.data,
    open: (platform) => type.open(config.data, platform),
  }
}

async function loadCustom(path: string, baseDir: string): Promise<ConnectorType> {
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(resolve(baseDir, path)).href)) as { default?: unknown }
  } catch (error) {
    const reason = reasonOf(error)
    throw new ConnectError('configuration', `the connector ${path} can't be loaded: ${reason}`, path, { cause: error })
  }
  if (!isConnectorType(module.default)) {
    throw refusal(`${path} has no default export with kind, summary, config (a zod schema) and open`, path)
  }
  return module.default
}

function isConnectorType(value: unknown): value is ConnectorType {
  if (typeof value !== 'object' || value === null) return false
  const type = value as Partial<Record<keyof ConnectorType, unknown>>
  return typeof type.kind === 'string' && typeof type.summary === 'string' && typeof type.open === 'function' && isSchema(type.config)
}

const isSchema = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'safeParse' in value && typeof value.safeParse === 'function'

const refusal = (message: string, place: string): ConnectError => new ConnectError('configuration', message, place)
