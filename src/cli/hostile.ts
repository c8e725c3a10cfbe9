import { scenarios } from '../conformance/scenarios.ts'
import { ConfigError } from '../config/load.ts'
import { hostileToken, restDialect, restStyles, type RestStyle } from '../hostile/rest-dialect.ts'
import { scimDialect } from '../hostile/scim-dialect.ts'
import { startHostile } from '../hostile/server.ts'
import { World } from '../hostile/world.ts'

export const dialects = [...restStyles, 'scim-index', 'scim-cursor'] as const

export interface HostileOptions {
  paging: string
  accounts: number
  port: number
  fault: string[]
}

/** Serves an application that misbehaves as told, until Ctrl-C. */
export async function runHostile({ paging, accounts, port, fault }: HostileOptions): Promise<void> {
  const chosen = fault.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name)
    if (found === undefined) throw new ConfigError(`there is no fault "${name}"; \`grantline hostile --list\` prints them`)
    return found
  })
  const world = World.corpus(accounts)
  const dialect = paging.startsWith('scim-') ? scimDialect(() => world, paging === 'scim-index' ? 'index' : 'cursor') : restDialect(() => world, paging as RestStyle)
  const server = await startHostile(dialect, { port })
  const faults = chosen.flatMap((scenario) => scenario.faults(world))
  server.arm(faults)
  console.log(`${server.url}${paging.startsWith('scim-') ? '/scim' : '/admin'}, ${accounts} accounts, paged by ${paging}; Authorization: Bearer ${hostileToken}`)
  for (const { name } of chosen) console.log(`  fault: ${name}`)
  await new Promise<void>((done) => process.once('SIGINT', () => done()))
  for (const one of faults) console.log(`${one.name}: happened ${one.fired} times`)
  await server.stop()
}

export function listFaults(): void {
  for (const { name, expected, needs } of scenarios) console.log(`${name.padEnd(70)} ${expected.padEnd(8)} ${needs.join(', ')}`)
}
