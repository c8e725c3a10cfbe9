import { z } from 'zod'
import { configureApp } from '../../connectors/registry.ts'
import { Config } from '../../schemas/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load.ts'
import { ConnectError } from '../ports/connector.ts'
import { configSize } from './config-size.ts'

/** Everything that can be wrong without asking any application. */
export async function configCheck(file: string): Promise<void> {
  const config = await loadConfig(file)
  const faults: string[] = []
  for (const [name, app] of Object.entries(config.apps)) {
    try {
      await configureApp(name, app, config.baseDir)
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      faults.push(`${file}: ${error.message}`)
    }
  }
  if (faults.length > 0) throw new ConfigError(faults.join('\n'))
  console.log(`${file}: ${configSize(config)}, all well`)
  const unset = [...variablesIn(config)].filter((name) => (process.env[name] ?? '') === '')
  if (unset.length > 0) console.log(`not set where this was checked: ${unset.map((name) => `env:${name}`).join(', ')}; run needs ${unset.length === 1 ? 'it' : 'them'}`)
}

/** Environment variables that hold secrets, by the references to them. */
function variablesIn(value: unknown, names = new Set<string>()): ReadonlySet<string> {
  const [, name] = typeof value === 'string' ? (/^env:(\w+)$/u.exec(value) ?? []) : []
  if (name !== undefined) names.add(name)
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) variablesIn(item, names)
  return names
}

export function configSchema(): void {
  console.log(JSON.stringify(z.toJSONSchema(Config, { io: 'input' }), null, 2))
}
