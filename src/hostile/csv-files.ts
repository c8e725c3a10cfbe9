import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifestOf } from '../connect/files/file.ts'
import type { World } from './world.ts'

/** `with` of an application of connector csv that exports these files. `folder`: what comes before their names, and may hold the mark of drops. */
export const csvSettings = (folder: string): { files: object[] } => ({
  files: [
    { piece: 'account', path: `${folder}users.csv`, columns: { id: 'id', display: 'name', status: 'active' }, translate: { status: { yes: 'active', no: 'disabled' } } },
    { piece: 'membership', path: `${folder}members.csv`, kind: 'group', columns: { account: 'user', id: 'group' } },
  ],
})

/** What the application exports: users and who is in which group, each file with its manifest. */
export function writeCsvFiles(world: World, directory: string): void {
  const users = [...world.users.values()].map(({ id, name, active }) => [id, name, active ? 'yes' : 'no'])
  const members = [...world.groups.values()].flatMap((group) => group.members.map((user) => [user, group.id]))
  writeWhole(join(directory, 'users.csv'), ['id', 'name', 'active'], users)
  writeWhole(join(directory, 'members.csv'), ['user', 'group'], members)
}

/** The manifest of what the file holds now. */
export function proveWhole(path: string, text: string, rows: number): void {
  writeFileSync(manifestOf(path), JSON.stringify({ rows, sha256: createHash('sha256').update(text).digest('hex') }))
}

export const hasManifest = (path: string): boolean => existsSync(manifestOf(path))

function writeWhole(path: string, header: string[], rows: string[][]): void {
  const text = `${[header, ...rows].map((row) => row.map(quoted).join(',')).join('\n')}\n`
  writeFileSync(path, text)
  proveWhole(path, text, rows.length)
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
