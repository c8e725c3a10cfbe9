import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { configureApp, connectorKinds, connectors, loadConnector } from '../../connectors/registry.ts'
import { AppConfig } from '../../schemas/config.ts'

const folder = fileURLToPath(new URL('../../connectors/', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'grantline-registry-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('the table of connectors', () => {
  it('and the folders agree both ways', () => {
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
    expect([...connectorKinds].sort()).toEqual(folders.sort())
  })

  it.each(Object.keys(connectors))('%s loads, and calls itself so', async (kind) => {
    expect((await loadConnector(kind, directory)).kind).toBe(kind)
  })

  it.each(['nope', 'toString', '__proto__'])('%s is refused with what there is', async (kind) => {
    await expect(loadConnector(kind, directory)).rejects.toMatchObject({ class: 'configuration', message: expect.stringContaining(connectorKinds.join(', ')) as string })
  })
})

describe('a connector of one’s own', () => {
  it('is loaded from its path', async () => {
    writeFileSync(join(directory, 'mine.ts'), `
      const config = { safeParse: (data: unknown) => ({ success: true as const, data }) }
      export default { kind: 'mine', summary: 'a connector', config, open: async () => ({ streams: [], close: async () => undefined }) }
    `)
    expect((await loadConnector('./mine.ts', directory)).kind).toBe('mine')
  })

  it('without the right default export, or not there, is refused with the reason', async () => {
    writeFileSync(join(directory, 'empty.js'), 'export const connector = {}')
    await expect(loadConnector('./empty.js', directory)).rejects.toMatchObject({ class: 'configuration', message: expect.stringContaining('default export') as string })
    await expect(loadConnector('./missing.js', directory)).rejects.toMatchObject({ class: 'configuration', message: expect.stringContaining('can\'t be loaded') as string })
  })
})

describe('an application of the config file', () => {
  const app = (settings: object) => AppConfig.parse({ connector: 'csv', with: settings })

  it('is checked by its connector, naming application, key and what was expected', async () => {
    const settings = { files: [{ piece: 'account', path: 'a.csv', columns: {} }], colour: 'red' }
    const refusal = configureApp('payroll', app(settings), directory)
    await expect(refusal).rejects.toMatchObject({ class: 'configuration', place: 'apps.payroll' })
    await expect(refusal).rejects.toThrow(/apps\.payroll\.with: .*files\.0\.columns\.id: .*expected string.*colour/)
  })

  it('comes with defaults filled in', async () => {
    const source = await configureApp('payroll', app({ files: [{ piece: 'account', path: 'a.csv', columns: { id: 'login' } }] }), directory)
    expect(source).toMatchObject({ name: 'payroll', ids: 'exact', active: true, everySeconds: 3600, config: { delimiter: ',' } })
  })
})
