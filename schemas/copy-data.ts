import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The build's last step: what the code reads at run time beside itself goes along. */
for (const folder of ['avro', 'clickhouse']) {
  cpSync(fileURLToPath(new URL(`./${folder}`, import.meta.url)), fileURLToPath(new URL(`../dist/schemas/${folder}`, import.meta.url)), { recursive: true })
}
