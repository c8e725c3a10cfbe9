import { HandOver } from '../../src/connect/hand-over.ts'
import type { ConnectorSession, ConnectorType } from '../../src/ports/connector.ts'
import { serviceAccountStream, userStream } from './accounts.ts'
import { measureChanges, readChanges } from './changes.ts'
import { openAdminApi } from './client.ts'
import { KeycloakConfig } from './config.ts'
import { Groups } from './groups.ts'
import { memberStreams } from './members.ts'
import { readAccount } from './read-one.ts'
import { Roles } from './roles.ts'
import { writeSide } from './write.ts'

/** One realm of Keycloak by its admin API: users, clients' service accounts, roles, composite roles, the tree of groups. */
export const connector: ConnectorType<KeycloakConfig> = {
  kind: 'keycloak',
  summary: 'users, service accounts, roles and groups of a Keycloak realm, by its admin API',
  config: KeycloakConfig,
  async open(config, platform): Promise<ConnectorSession> {
    const api = openAdminApi(config, platform)
    const roles = new Roles(api, config)
    const groups = new Groups(api, config)
    const tellsChanges = config.changes === 'auto' && (await measureChanges(api))
    return {
      streams: [
        ...roles.streams(), groups.stream(), ...memberStreams(api, config, roles, groups), userStream(api, config), serviceAccountStream(api, config),
      ],
      // Roles and groups that an earlier session remembered are read again where they are needed.
      resumable: true,
      readOne: (nativeId) => readAccount(api, config, groups, nativeId),
      ...(tellsChanges && { changes: (cursor: string | null) => readChanges(api, config, cursor) }),
      write: writeSide(api, config, groups, config.handOver === null ? null : new HandOver(config.handOver, platform)),
      close: () => Promise.resolve(),
    }
  },
}
