import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { loadConfig, parseConfig } from '../../src/config/load.ts'

const faultsOf = (text: string): string[] => {
  try {
    parseConfig(text, 'grantline.yaml')
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

describe('the config file', () => {
  it('may be empty: everything has a default', () => {
    expect(parseConfig('', 'grantline.yaml')).toMatchObject({ partitions: 4, tickSeconds: 1, apps: {}, http: { host: '127.0.0.1', port: 7400 } })
  })

  it('refuses an unknown key with its line and the nearest valid name', () => {
    expect(faultsOf('dataDir: ./x\npartitons: 4\n')).toEqual(['grantline.yaml:2: partitons: unknown setting; did you mean `partitions`?'])
  })

  it('refuses an unknown key inside an application with the nearest valid name', () => {
    const faults = faultsOf('apps:\n  billing:\n    connector: sql\n    alowedDelaySeconds: 5\n')
    expect(faults).toEqual(['grantline.yaml:4: apps.billing.alowedDelaySeconds: unknown setting; did you mean `allowedDelaySeconds`?'])
  })

  it('lists what is known where nothing is near', () => {
    expect(faultsOf('http:\n  zzzzzzzzzz: 1\n')[0]).toContain('known here: host, port, token')
  })

  it('names services with references to their passwords, never the passwords, and only by HTTP', () => {
    const { registry, clickhouse } = parseConfig('registry: { url: "http://registry:8080/apis/ccompat/v7" }\nclickhouse: { url: "https://tables:8443", password: "env:CH" }\n', 'grantline.yaml')
    expect(registry).toEqual({ url: 'http://registry:8080/apis/ccompat/v7', username: null, password: null })
    expect(clickhouse).toEqual({ url: 'https://tables:8443', database: 'grantline', username: 'default', password: 'env:CH', insertSeconds: 30 })
    expect(faultsOf('clickhouse: { url: "ftp://tables", database: "a-b" }\n')).toHaveLength(2)
  })

  it('reports every fault at once, each at its line', () => {
    const faults = faultsOf('partitions: many\napps:\n  Billing:\n    connector: sql\n  hr:\n    everySeconds: 0\n')
    expect(faults).toHaveLength(4)
    expect(faults.map((fault) => Number(fault.split(':')[1]))).toEqual([1, 3, 5, 6])
  })

  it('refuses one name for an application and a feed', () => {
    const faults = faultsOf('apps:\n  hr: { connector: csv }\nfeeds:\n  hr: { class: identities, format: csv }\n')
    expect(faults).toEqual(['grantline.yaml:4: feeds.hr: hr is also the name of an application: rename one of them'])
  })

  it('refuses a right that is none, and one about a feed that is not there', () => {
    const tokens = (may: string): string[] => faultsOf(`http:\n  tokens:\n    desk: { token: env:DESK, may: ${may} }\nfeeds:\n  hr: { class: identities, format: csv }\n`)
    expect(tokens('[read, post:hr]')).toEqual([])
    expect(tokens('[read, post:desk]')).toEqual(['grantline.yaml:3: http.tokens.desk.may.1: there is no feed desk'])
    expect(tokens('[write]')).toEqual(['grantline.yaml:3: http.tokens.desk.may.0: a right is read, sync, decide, or post: with the name of a feed'])
    expect(tokens('[]')).toHaveLength(1)
  })

  it('says where YAML itself is broken', () => {
    expect(faultsOf('apps: [\n')[0]).toMatch(/^grantline\.yaml:\d+: /)
    expect(faultsOf('apps: *nope\n')).toEqual(['grantline.yaml: Unresolved alias (the anchor must be set before the alias): nope'])
    const bomb = `a0: &a0 [x]\n${Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`).join('\n')}\n`
    expect(faultsOf(bomb)).toEqual(['grantline.yaml: Excessive alias count indicates a resource exhaustion attack'])
  })

  it('resolves paths from the file and reads catalogue files', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'grantline-config-'))
    await writeFile(join(directory, 'names.csv'), 'native,name\nINV_W,billing.invoice.write\n')
    await writeFile(join(directory, 'grantline.yaml'), 'apps:\n  billing:\n    connector: sql\n    catalogueFile: names.csv\nfeeds:\n  hr: { class: identities, format: csv, path: hr.csv }\n')
    const config = await loadConfig(join(directory, 'grantline.yaml'))
    expect(config.apps['billing']?.catalogue).toEqual({ INV_W: 'billing.invoice.write' })
    expect(config.feeds['hr']?.path).toBe(join(directory, 'hr.csv'))
    expect(config.dataDir).toBe(join(directory, 'data'))
  })

  it('names the catalogue file that lacks its columns, names something twice or is no text', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'grantline-config-'))
    await writeFile(join(directory, 'names.csv'), 'a,b\n1,2\n')
    await writeFile(join(directory, 'grantline.yaml'), 'apps:\n  billing:\n    connector: sql\n    catalogueFile: names.csv\n')
    await expect(loadConfig(join(directory, 'grantline.yaml'))).rejects.toThrow(/apps\.billing\.catalogueFile: .*names\.csv: needs the columns native,name/)
    await writeFile(join(directory, 'names.csv'), 'native,name\nA,one\nB,two\nA,one\nB,three\n')
    await expect(loadConfig(join(directory, 'grantline.yaml'))).rejects.toThrow(/apps\.billing\.catalogueFile: .*names\.csv: B has two names, two and three: leave one/)
    await writeFile(join(directory, 'names.csv'), Buffer.from('native,name\nR1,Prüfer\n', 'latin1'))
    await expect(loadConfig(join(directory, 'grantline.yaml'))).rejects.toThrow(/apps\.billing\.catalogueFile: .*names\.csv: is not UTF-8 at byte 18/)
  })

  it('says how to name a file that is not there', async () => {
    await expect(loadConfig('/nowhere/grantline.yaml')).rejects.toThrow(/can't be read \(ENOENT\); name it with --config FILE/)
  })
})
