import { changeScenariosFor, type ObserveScenario, type ObserveTrait, singleScenariosFor } from '../conformance/observe-scenarios.ts'
import { scenarios } from '../conformance/scenarios.ts'
import { orders } from '../conformance/write-order.ts'
import { writeScenarios } from '../conformance/write-scenarios.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Dialect } from '../hostile/exchange.ts'
import type { Fault } from '../hostile/fault.ts'
import { keycloakDialect } from '../hostile/keycloak-dialect.ts'
import { realmName } from '../hostile/keycloak-realm.ts'
import type { RestStyle } from '../hostile/names.ts'
import { hostileToken, restDialect } from '../hostile/rest-dialect.ts'
import { scimDialect } from '../hostile/scim-dialect.ts'
import { startHostile } from '../hostile/server.ts'
import { World } from '../hostile/world.ts'

export interface HostileOptions {
  paging: string
  accounts: number
  port: number
  fault: string[]
}

interface Known {
  name: string
  /** what a run, or the verdict of a write, has to be */
  expected: string
  needs: readonly string[]
  faults(world: World): readonly Fault[]
}

/** What others do to an account while it is written concerns this one. */
const order = orders.find(({ name }) => name === 'grant')!

const whatever: ReadonlySet<ObserveTrait> = new Set(['groups-apart', 'world', 'id', 'cursor', 'change-pages'])
/** `of`: what is asked, since the same goes wrong with either. */
const observed = (of: string, among: readonly ObserveScenario[]): Known[] =>
  among.map((one) => ({ name: `${of}: ${one.name}`, expected: one.expected, needs: [of, ...one.needs], faults: (world) => one.faults(world, order.account) }))

/** Everything that can go wrong here; what begins with a process that ends is for the kit alone. */
const known: readonly Known[] = [
  ...scenarios,
  ...observed('one account', singleScenariosFor(whatever)),
  ...observed('changes', changeScenariosFor(whatever)),
  ...writeScenarios.filter(({ again }) => again === undefined).map(({ name, expected, needs, faults }): Known => ({
    name: `writes: ${name}`, expected: expected.join('/'), needs: ['writes', ...needs], faults: (world) => faults({ order, world, others: (act) => act(world) }),
  })),
]

/** Serves an application that misbehaves as told, until Ctrl-C. */
export async function runHostile({ paging, accounts, port, fault }: HostileOptions): Promise<void> {
  const chosen = fault.map((name) => {
    const found = known.find((one) => one.name === name)
    if (found === undefined) throw new ConfigError(`there is no fault "${name}"; \`grantline hostile --list\` prints them`)
    return found
  })
  const world = World.corpus(accounts)
  const { dialect, path, says } = faceOf(paging, () => world)
  const server = await startHostile(dialect, { port })
  const faults = chosen.flatMap((one) => one.faults(world))
  server.arm(faults)
  console.log(`${server.url}${path}, ${accounts} accounts, ${says}`)
  for (const { name } of chosen) console.log(`  fault: ${name}`)
  await new Promise<void>((done) => process.once('SIGINT', () => done()))
  for (const one of faults) console.log(`${one.name}: happened ${one.fired} times`)
  await server.stop()
}

function faceOf(paging: string, world: () => World): { dialect: Dialect; path: string; says: string } {
  const bearer = `paged by ${paging}; Authorization: Bearer ${hostileToken}`
  if (paging === 'keycloak') return { dialect: keycloakDialect(world, 'groups'), path: '', says: `realm ${realmName} of a Keycloak; any client, whose secret is ${hostileToken}` }
  if (paging.startsWith('scim-')) return { dialect: scimDialect(world, paging === 'scim-index' ? 'index' : 'cursor'), path: '/scim', says: bearer }
  return { dialect: restDialect(world, paging as RestStyle), path: '/admin', says: bearer }
}

export function listFaults(): void {
  for (const { name, expected, needs } of known) console.log(`${name.padEnd(70)} ${expected.padEnd(8)} ${needs.join(', ')}`)
}
