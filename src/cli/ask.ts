import { openDataDirectory } from '../compose.ts'
import { loadConfig } from '../config/load.ts'
import type { Api, Filters } from '../http/api.ts'
import { localApi } from '../http/local-api.ts'
import { remoteApi } from '../http/remote-api.ts'
import type { Format } from '../reports/format.ts'
import { explanationText } from './explanation-text.ts'
import { holderOf } from './held-by.ts'
import { terminalWidth } from './terminal.ts'

/** Asks the process that holds the data directory; where none runs, opens it for the one question. */
async function withApi<T>(configFile: string, use: (api: Api) => Promise<T>): Promise<T> {
  const config = await loadConfig(configFile)
  const holder = await holderOf(config.dataDir)
  if (holder !== undefined) return use(remoteApi(holder.url, holder.token))
  const directory = await openDataDirectory(config)
  try {
    return await use(localApi(directory, null))
  } finally {
    await directory.close()
  }
}

export async function ask(configFile: string, name: string, filters: Filters, format: Format): Promise<void> {
  process.stdout.write(await withApi(configFile, (api) => api.report(name, filters, format, terminalWidth())))
}

export async function explain(configFile: string, id: string, format: 'table' | 'json'): Promise<void> {
  const explanation = await withApi(configFile, (api) => api.explain(id))
  process.stdout.write(format === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation))
}

export async function tell(configFile: string, what: (api: Api) => Promise<void>, done: string): Promise<void> {
  await withApi(configFile, what)
  console.log(done)
}
