import { fileNumbers } from '../../src/adapters/codec/file-numbers.ts'
import { openEmbeddedLog } from '../../src/adapters/log-embedded/embedded-log.ts'
import { importLog } from '../../src/move/import-log.ts'
import { partitions } from '../replay/logs.ts'

/** Imports an export, and kills itself the `nth` time that the import says how far it is at a place that begins so. */
const [path = '', directory = '', place = '', nth = '1'] = process.argv.slice(2)
const log = await openEmbeddedLog({ path, partitions, durability: 'disk' })
let left = Number(nth)
await importLog({
  log, directory, numbers: fileNumbers(log.schemas),
  onProgress: (progress) => {
    if (progress.place.startsWith(place) && --left === 0) process.kill(process.pid, 'SIGKILL')
  },
})
