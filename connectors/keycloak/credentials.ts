import { z } from 'zod'
import type { Operation } from '../../schemas/wire/operations.ts'
import { pathSegment } from '../../src/connect/address.ts'
import { seenOf, type HandOver } from '../../src/connect/hand-over.ts'
import { ConnectError } from '../../src/ports/connector.ts'
import { credentialsOf, rotatedSecret } from './accounts.ts'
import { whole } from './chain.ts'
import { send, type Outcome } from './change.ts'
import type { AdminApi } from './client.ts'
import { Client, User, shaped } from './shapes.ts'

const Secret = z.object({ value: z.string().min(1) })

/**
 * A new secret for a client, where it still has the one that was meant: the time when a secret was made is its version. An answer that
 * was lost is thus no reason to make another one. Where the realm has a policy for it, the old one goes on for its grace period.
 */
export async function rotate(api: AdminApi, operation: Operation, place: string): Promise<Outcome> {
  const { client, kind } = await meant(api, operation, place)
  if (!/^client-secret/.test(kind)) throw new ConnectError('schema', `a ${kind} has no secret that Keycloak could make anew`, place)
  const seen = seenOf(operation)
  const now = credentialsOf(client).find((one) => one.kind === kind)
  if (now === undefined || now.created !== seen.created) return 'already'
  // The new secret comes in the answer, and is dropped with it.
  return await send(api, 'POST', `${pathOf(client)}/client-secret`, undefined, place)
}

/** The secret as Keycloak has it goes to its owner. */
export async function handSecretOver(api: AdminApi, operation: Operation, handOver: HandOver | null, place: string): Promise<Outcome> {
  const { client } = await meant(api, operation, place)
  const answer = await api.get(`${pathOf(client)}/client-secret`, {}, place)
  if (answer === null || handOver === null) throw new ConnectError('not-found', 'there is no secret to hand over', place)
  return await handOver.complete(operation, shaped(Secret, answer, place).value)
}

/** A secret that was rotated counts no more; a client whose only secret is meant can't log in any more. */
export async function disableCredential(api: AdminApi, operation: Operation, place: string): Promise<Outcome> {
  const { client, kind } = await meant(api, operation, place)
  if (kind === rotatedSecret) {
    if (!credentialsOf(client).some((one) => one.kind === kind)) return 'already'
    return await send(api, 'DELETE', `${pathOf(client)}/client-secret/rotated`, undefined, place, true)
  }
  if (!client.enabled || client.clientAuthenticatorType !== kind) return 'already'
  return await send(api, 'PUT', pathOf(client), { clientId: client.clientId, enabled: false }, place)
}

const pathOf = ({ id, clientId }: Client): string => `/clients/${pathSegment(id, `client ${clientId}`)}`

/** The client whose credential is meant, `<clientId>:<kind>`, if the account is its own. */
async function meant(api: AdminApi, { account, credential }: Operation, place: string): Promise<{ client: Client; kind: string }> {
  const [, clientId, kind] = /^(.+):([^:]+)$/.exec(credential ?? '') ?? []
  if (clientId === undefined || kind === undefined) throw new ConnectError('schema', 'credentials of clients are rotated and disabled, which are called <clientId>:<kind>', place)
  const client = (await whole(api, '/clients', { clientId }, place)).map((row) => shaped(Client, row, place)).find((one) => one.clientId === clientId)
  const user = client?.serviceAccountsEnabled === true ? await api.get(`${pathOf(client)}/service-account-user`, {}, place) : null
  if (client === undefined || user === null || shaped(User, user, place).id !== account) throw new ConnectError('not-found', `the account is not that of a client ${clientId}`, place)
  return { client, kind }
}
