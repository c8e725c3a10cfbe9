import { ConnectError } from '../../src/ports/connector.ts'
import type { AdminApi } from './client.ts'

export type Outcome = 'applied' | 'already'

/** A change that Keycloak makes or refuses. `absentIsAlready`: that there is none is what was wanted. */
export async function send(
  api: AdminApi, method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, place: string, absentIsAlready = false,
): Promise<Outcome> {
  const { status } = await api.send(method, path, body, place)
  if (status === 404 && absentIsAlready) return 'already'
  if (status === 404) throw new ConnectError('not-found', 'Keycloak answered 404: the user, role or group is gone', place)
  if (status === 409) throw new ConnectError('conflict', 'Keycloak answered 409', place)
  return 'applied'
}
