import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../config/config-error.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Writes a connector that works (it reads the hostile application) and its test, to be changed bit by bit. Answers the files. */
export async function newConnector(name: string, directory: string): Promise<string[]> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new ConfigError('a connector’s name is lower-case letters, digits and dashes, and begins with a letter')
  const folder = resolve(directory, name)
  const from = (path: string): string => {
    const found = relative(folder, join(root, path)).split(sep).join('/')
    return found.startsWith('.') ? found : `./${found}`
  }
  await mkdir(folder, { recursive: true })
  const files = [
    [join(folder, 'connector.ts'), connectorSource(name, from('src/ports/connector.ts'), from('src/connect/paging'))],
    [join(folder, 'connector.test.ts'), testSource(name, from)],
  ] as const
  for (const [file, text] of files) {
    try {
      await writeFile(file, text, { flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      throw new ConfigError(`${file} is there already: choose another name or directory`)
    }
  }
  return files.map(([file]) => file)
}

const connectorSource = (name: string, port: string, paging: string): string => `import { z } from 'zod'
import { byPosition } from '${paging}/by-position.ts'
import type { Answer, Endpoint } from '${paging}/endpoint.ts'
import { ConnectError, MappingError, type ConnectorType, type Mapped, type Platform, type Stream } from '${port}'

/** What the config file says under \`with:\`. Unknown keys are refused; secrets are references. */
const Config = z.strictObject({
  baseUrl: z.url(),
  token: z.string().describe('secret reference: env:NAME or file:PATH'),
  pageSize: z.int().min(1).default(200),
})
type Config = z.infer<typeof Config>

/** What the application answers. A field that vanishes or changes its type is then seen, not guessed around. */
const List = z.object({ items: z.array(z.unknown()), total: z.int() })
const User = z.object({ id: z.string(), name: z.string(), active: z.boolean(), kind: z.enum(['person', 'robot']), created: z.iso.datetime() })
const Group = z.object({ id: z.string(), name: z.string(), permissions: z.array(z.string()), members: z.array(z.string()) })

const connector: ConnectorType<Config> = {
  kind: '${name}',
  summary: 'what ${name} grants, read through its admin API',
  config: Config,
  async open(config, platform) {
    const list = await opened(config, platform)
    return {
      streams: [
        // Definitions come before the accounts that hold them.
        { ...list('groups'), classes: ['definitions', 'memberships'], map: mapGroup },
        { ...list('users'), classes: ['accounts'], map: mapUser },
      ],
      close: () => Promise.resolve(),
    }
  },
}

async function opened(config: Config, platform: Platform): Promise<(name: string) => Pick<Stream, 'name' | 'proof' | 'pages'>> {
  const headers = { authorization: \`Bearer \${await platform.secret(config.token)}\`, accept: 'application/json' }
  const strategy = byPosition({ start: 'offset', count: 'limit', base: 0 })
  return (name) => {
    const endpoint: Endpoint = {
      name,
      pageSize: config.pageSize,
      async ask({ parameters }, place): Promise<Answer> {
        const url = \`\${config.baseUrl}/\${name}?\${new URLSearchParams(parameters).toString()}\`
        const response = await platform.http.request({ method: 'GET', url, headers })
        if (response.status !== 200) throw new ConnectError(response.status === 404 ? 'not-found' : 'schema', \`answered \${response.status}\`, place)
        const answer = List.safeParse(jsonOf(response.body, place))
        if (!answer.success) throw new ConnectError('schema', 'the answer is no list', place)
        return { rows: answer.data.items, total: answer.data.total, start: null, next: null }
      },
      idOf: (row) => z.object({ id: z.string() }).safeParse(row).data?.id ?? null,
    }
    return { name, proof: strategy.proof, pages: (from) => strategy.walk(endpoint, from ?? null) }
  }
}

function jsonOf(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConnectError('transient', 'the answer is not whole JSON', place, { cause: error })
  }
}

/** Pure: what one row means. What can't be mapped is thrown, with the id where it can be read. */
function mapUser(row: unknown): Mapped[] {
  const user = checked(User, row)
  const attributes = {
    kind: user.kind === 'robot' ? ('service' as const) : ('human' as const),
    status: user.active ? ('active' as const) : ('disabled' as const),
    display: user.name, created: Date.parse(user.created), lastUsed: null, owner: null, values: {},
  }
  return [{ piece: 'account', id: user.id, valid: null, attributes }]
}

function mapGroup(row: unknown): Mapped[] {
  const group = checked(Group, row)
  const ref = { kind: 'group', id: group.id } as const
  return [
    { piece: 'definition', ref, name: group.name, valid: null },
    ...group.permissions.map((id): Mapped => ({ piece: 'child', parent: ref, child: { kind: 'entitlement', id } })),
    ...group.members.map((account): Mapped => ({ piece: 'membership', account, ref, valid: null })),
  ]
}

function checked<T>(schema: z.ZodType<T>, row: unknown): T {
  const result = schema.safeParse(row)
  if (result.success) return result.data
  const fields = result.error.issues.map((issue) => issue.path.join('.')).join(', ')
  throw new MappingError(\`unexpected: \${fields}\`, z.object({ id: z.string() }).safeParse(row).data?.id ?? null)
}

export default connector
`

const testSource = (name: string, from: (path: string) => string): string => `import { afterAll, beforeAll, expect, it } from 'vitest'
import { AppConfig } from '${from('schemas/config.ts')}'
import { configureApp } from '${from('connectors/registry.ts')}'
import { openKit, type OpenKit } from '${from('src/cli/open-kit.ts')}'
import { scenariosFor } from '${from('src/conformance/scenarios.ts')}'
import type { Trait } from '${from('src/conformance/scenario.ts')}'
import { hostileToken, restDialect } from '${from('src/hostile/rest-dialect.ts')}'

/** What the application can do: scenarios that need more are left out. */
const traits: Trait[] = ['http', 'pages', 'total', 'position', 'world', 'names']

let open: OpenKit
beforeAll(async () => {
  open = await openKit({
    name: '${name}', traits, env: { TOKEN: hostileToken },
    dialect: (world) => restDialect(world, 'offset'),
    app: (url) => configureApp('${name}', AppConfig.parse({ connector: './connector.ts', with: { baseUrl: \`\${url}/admin\`, token: 'env:TOKEN', pageSize: 5 } }), import.meta.dirname),
  })
})
afterAll(() => open.stop())

it.each(scenariosFor(new Set(traits)).map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
  expect((await open.kit.run(scenario)).wrong).toEqual([])
})
`
