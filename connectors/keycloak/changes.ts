import { z } from 'zod'
import { ExpiredCursor } from '../../src/connect/paging/endpoint.ts'
import { cursorText, parseCursor } from '../../src/connect/since-cursor.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import type { AdminApi } from './client.ts'
import type { KeycloakConfig } from './config.ts'
import { AdminEvent, shaped } from './shapes.ts'

/** An event carries the time before its change was committed: this far back is asked for again each time. */
const overlapMs = 5000

const Events = z.array(AdminEvent)
const EventsConfig = z.object({ adminEventsEnabled: z.boolean() })

/** Whether the realm records admin events and lets us read them. */
export async function measureChanges(api: AdminApi): Promise<boolean> {
  const place = 'settings of events'
  try {
    return shaped(EventsConfig, await api.get('/events/config', {}, place), place).adminEventsEnabled
  } catch (error) {
    if (error instanceof ConnectError && (error.class === 'permission' || error.class === 'schema')) return false
    throw error
  }
}

/**
 * Users that admin events since the cursor are about: created, changed, deleted, given or taken roles and groups. What users do
 * themselves, and changes of clients, are seen by the next snapshot. The cursor holds the server's own times.
 */
export async function readChanges(api: AdminApi, config: KeycloakConfig, text: string | null): Promise<{ accounts: string[]; cursor: string }> {
  if (text === null) {
    const [newest] = await events(api, { first: 0, max: 1 }, 'newest admin event')
    const since = newest?.time ?? 0
    const seen = newest === undefined ? [] : await eventsSince(api, config, since - overlapMs)
    return { accounts: [], cursor: cursorText({ since, seen: seen.map(signOf) }) }
  }
  const cursor = parseCursor(text)
  const told = new Set(cursor.seen)
  const found = await eventsSince(api, config, cursor.since - overlapMs)
  // What was told last has to come again: else the realm has cleared its events, and with them perhaps some that were not told.
  if (told.size > 0 && !found.some((event) => told.has(signOf(event)))) throw new ExpiredCursor('admin events')
  const since = found.reduce((latest, { time }) => Math.max(latest, time), cursor.since)
  const seen = found.filter(({ time }) => time >= since - overlapMs).map(signOf)
  const accounts = found.filter((event) => !told.has(signOf(event))).flatMap(({ resourcePath }) => userIn(resourcePath) ?? [])
  return { accounts: [...new Set(accounts)], cursor: cursorText({ since, seen }) }
}

const uuid = /^users\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/|$)/i
/** what the admin API has below a user */
const below = [
  'consents', 'credentials', 'disable-credential-types', 'execute-actions-email', 'federated-identity', 'groups', 'impersonation', 'logout', 'offline-sessions',
  'reset-password', 'reset-password-email', 'role-mappings', 'send-verify-email', 'sessions',
]
const other = new RegExp(`^users/(.+?)(?:/(?:${below.join('|')})(?:/.*)?)?$`, 's')

/** Keycloak makes UUIDs; ids of imported and federated users may be anything, slashes included, which the path of an event does not encode. */
function userIn(resourcePath: string): string | null {
  if (resourcePath === 'users/profile') return null
  return (uuid.exec(resourcePath) ?? other.exec(resourcePath))?.[1] ?? null
}

/** Newest first; an event that arrives meanwhile shifts the others back, so that some come twice and none is missed. */
async function eventsSince(api: AdminApi, config: KeycloakConfig, fromMs: number): Promise<AdminEvent[]> {
  const found = new Map<string, AdminEvent>()
  for (let first = 0; ; first += config.pageSize) {
    const place = `admin events (first=${first})`
    const page = await events(api, { dateFrom: Math.max(0, fromMs), first, max: config.pageSize }, place)
    if (page.length === 0) return [...found.values()].filter(({ time }) => time >= fromMs)
    const before = found.size
    for (const event of page) found.set(signOf(event), event)
    if (found.size === before) throw new ConnectError('partial', 'the events of this page all came before', place)
  }
}

async function events(api: AdminApi, query: Record<string, number>, place: string): Promise<AdminEvent[]> {
  return shaped(Events, await api.get('/admin-events', query, place), place)
}

const signOf = ({ id, time, operationType, resourcePath }: AdminEvent): string => `${id === null ? '' : `${id} `}${time} ${operationType} ${resourcePath}`
