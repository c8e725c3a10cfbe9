import { loadConfig } from '../config/load.ts'
import type { Api } from '../http/api.ts'
import { remoteApi } from '../http/remote-api.ts'
import { elsewhere } from './elsewhere.ts'
import { holderOf } from './held-by.ts'

/** Asks the installation that the environment names; else the process that holds the data directory; where none runs, opens it for the one question. */
export async function withApi<T>(configFile: string, use: (api: Api) => Promise<T>): Promise<T> {
  const other = elsewhere(process.env)
  if (other !== null) return use(other)
  const config = await loadConfig(configFile)
  const holder = await holderOf(config.dataDir)
  if (holder !== undefined) return use(remoteApi(holder.url, holder.token))
  const [{ openDataDirectory }, { localApi }, { configuredOf }] = await Promise.all([import('../data-directory.ts'), import('../http/local-api.ts'), import('../http/configured.ts')])
  const directory = await openDataDirectory(config, process.env)
  try {
    return await use(localApi(directory, null, configuredOf(config)))
  } finally {
    await directory.close()
  }
}
