import { HandOver } from '../../src/connect/hand-over.ts'
import type { ConnectorSession, ConnectorType } from '../../src/ports/connector.ts'
import { openApi } from './api.ts'
import { changesReader } from './changes.ts'
import { RestConfig } from './config.ts'
import { singleReader } from './read-one.ts'
import { streamsOf } from './streams.ts'
import { writeSide } from './write.ts'

/** Any application with an HTTP admin API that answers JSON, described in the config file alone. */
export const connector: ConnectorType<RestConfig> = {
  kind: 'rest',
  summary: 'a JSON admin API, declared: lists, paging, mapping, single reads, changes and writes',
  config: RestConfig,
  async open(config, platform): Promise<ConnectorSession> {
    const api = await openApi(config, platform)
    const write = writeSide(api, config.write, config.handOver === null ? null : new HandOver(config.handOver, platform))
    return {
      streams: streamsOf(api, config),
      resumable: true,
      ...(config.one !== undefined && { readOne: singleReader(api, config, config.one) }),
      ...(config.changes !== undefined && { changes: changesReader(api, config, config.changes) }),
      ...(write !== undefined && { write }),
      close: () => Promise.resolve(),
    }
  },
}
