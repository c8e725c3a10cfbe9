import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { RestConfig } from '../../connectors/rest/config.ts'
import { connectorKinds } from '../../connectors/registry.ts'
import { SqlConfig } from '../../connectors/sql/config.ts'
import { WebhookConfig } from '../../src/connect/webhooks/config.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = join(root, 'docs', 'connectors.md')
const between = /(<!-- sizes -->\n)([^]*?)(<!-- \/sizes -->)/

/** Lines that hold code: neither blank nor comment. */
function linesOf(file: string): number {
  const code = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\//g, '')
  return code.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length
}

function table(): string {
  const sum = (folder: string): number => readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith('.ts')).reduce((lines, name) => lines + linesOf(join(folder, name)), 0)
  const rows = connectorKinds.map((kind) => `| \`${kind}\` | ${sum(join(root, 'connectors', kind))} |`)
  const own = linesOf(join(root, 'examples/acme/portal/connector.ts'))
  const yaml = readFileSync(join(root, 'examples/acme/portal/rest.yaml'), 'utf8').split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#')).length
  return ['| connector | lines |', '| --- | --- |', ...rows, `| the portal of \`examples/acme\`, in code | ${own} |`, `| the same in YAML, writes included | ${yaml} |`, ''].join('\n')
}

const figures = (text: string): Map<string, number> =>
  new Map([...text.matchAll(/^\| (.*) \| (\d+) \|$/gm)].map(([, what = '', lines]) => [what, Number(lines)]))

it('the table of sizes names every connector, and is right within a tenth (UPDATE_DOCS=1 writes it)', () => {
  const text = readFileSync(page, 'utf8')
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, text.replace(between, (_, before: string, _old, after: string) => before + table() + after))
  const shown = figures(between.exec(readFileSync(page, 'utf8'))?.[2] ?? '')
  const real = figures(table())
  expect([...shown.keys()]).toEqual([...real.keys()])
  for (const [what, lines] of real) expect(Math.abs(shown.get(what)! - lines) / lines, `${what}: ${lines} lines`).toBeLessThan(0.1)
})

it('what the page shows for the config file is valid', () => {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/```yaml\n([^]*?)```/g)].map(([, block]) => parse(block ?? '') as unknown)
  const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
  const [shop] = blocks.flatMap((block) => (isRecord(block) && isRecord(block['apps']) && isRecord(block['apps']['shop']) ? [block['apps']['shop']['with'] as Record<string, unknown>] : []))
  const each = blocks.find((block) => Array.isArray(block)) as unknown[]
  const write = blocks.find((block) => isRecord(block) && isRecord(block['write']) && 'revoke' in block['write']) as { write: object }
  const changes = blocks.find((block) => isRecord(block) && 'changes' in block) as { changes: object }
  const webhook = blocks.find((block) => isRecord(block) && 'webhook' in block) as { webhook: object }
  const teams = { name: 'teams', path: '/teams', map: [{ piece: 'definition', id: 'row.id' }] }
  expect(RestConfig.safeParse(shop).error).toBeUndefined()
  expect(RestConfig.safeParse({ ...shop, streams: [teams, ...each], write: write.write }).error).toBeUndefined()
  const users = { name: 'users', piece: 'account', query: 'SELECT login FROM users', one: 'SELECT login FROM users WHERE login = $1', columns: { id: 'login' } }
  expect(SqlConfig.safeParse({ driver: 'postgres', host: 'db', database: 'app', user: 'reader', password: 'env:DB', streams: [users], ...changes }).error).toBeUndefined()
  expect(WebhookConfig.safeParse(webhook.webhook).error).toBeUndefined()
})
