import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The build's last step: what the code reads at run time beside itself goes along; package.json says which release it is. */
for (const path of ['schemas/avro', 'schemas/clickhouse', 'package.json']) {
  cpSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), fileURLToPath(new URL(`../dist/${path}`, import.meta.url)), { recursive: true })
}
