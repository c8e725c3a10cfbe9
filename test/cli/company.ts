import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One CSV application with one account too many, one person; by default all is read again and again. */
export function writeCompany(directory: string, partitions = 2, everySeconds = 1): void {
  writeFileSync(join(directory, 'people.csv'), 'id,mail\nI1,ann@example.org\n')
  writeFileSync(join(directory, 'users.csv'), 'login,mail\nann,ann@example.org\nbob,bob@example.org\n')
  writeFileSync(join(directory, 'rights.csv'), 'login,right\nann,read\n')
  writeFileSync(
    join(directory, 'grantline.yaml'),
    `partitions: ${partitions}
http: { port: 0 }
apps:
  wiki:
    connector: csv
    identityMapping: true
    everySeconds: ${everySeconds}
    match: [{ space: email, attribute: mail }]
    with:
      files:
        - { path: users.csv, piece: account, columns: { id: login, values: { mail: mail } } }
        - { path: rights.csv, piece: grant, columns: { account: login, entitlement: right } }
feeds:
  people: { class: identities, format: csv, path: people.csv, keys: { email: mail }, everySeconds: ${everySeconds} }
`,
  )
}
