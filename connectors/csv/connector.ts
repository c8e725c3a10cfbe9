import { resolve } from 'node:path'
import { columnsOf } from '../../src/connect/declared/columns.ts'
import { type CsvOptions, readCsv } from '../../src/connect/files/csv.ts'
import type { FileReject, FileRow } from '../../src/connect/files/rows.ts'
import type { ConnectorSession, ConnectorType, Mapped, ObservedClass, Page, Rejected, Stream } from '../../src/ports/connector.ts'
import { CsvConfig, type CsvFile } from './config.ts'
import { mark, newestDrop } from './drop.ts'
import { accountColumn, mapRow } from './map.ts'

/** Applications that can only export files: accounts, roles, who has which, credentials. */
export const connector: ConnectorType<CsvConfig> = {
  kind: 'csv',
  summary: 'CSV files that an application exports, proven by a manifest, a trailer or a whole, unchanged file',
  config: CsvConfig,
  async open(config, platform): Promise<ConnectorSession> {
    const ordered = [...config.files].sort((a, b) => pieces.indexOf(a.piece) - pieces.indexOf(b.piece))
    const absolute = (file: CsvFile): string => resolve(platform.baseDir, file.path)
    const drop = await newestDrop(ordered.map(absolute))
    const streams = ordered.map((file) => stream(file, absolute(file).replace(mark, () => drop ?? mark), config.delimiter))
    return { streams, close: () => Promise.resolve() }
  },
}

/** Definitions are read before the accounts that use them. */
const pieces: readonly CsvFile['piece'][] = ['definition', 'child', 'account', 'membership', 'grant', 'credential']

const classes = {
  definition: ['definitions'],
  child: ['definitions'],
  account: ['accounts'],
  membership: ['memberships'],
  grant: ['grants'],
  credential: ['credentials'],
} as const satisfies Record<CsvFile['piece'], readonly ObservedClass[]>

function stream(file: CsvFile, path: string, delimiter: string): Stream {
  return {
    name: `${file.piece} of ${file.path}`,
    classes: classes[file.piece],
    proof: 'manifest',
    // Whoever drops a file puts its manifest beside it when it is whole.
    pages: () => pages(path, { delimiter, columns: columnsOf(file), needsManifest: file.path.includes(mark) }, accountColumn(file)),
    map: (row: unknown): Mapped[] => mapRow(file, (row as FileRow).values),
  }
}

async function* pages(path: string, options: CsvOptions, idColumn: string | null): AsyncGenerator<Page> {
  for await (const { rows, rejected, place, total, start } of readCsv(path, options)) {
    yield { rows, place, total, start, rejected: rejected.map((reject) => asRejected(reject, idColumn)) }
  }
}

function asRejected({ values, code, reason, place, payload, print }: FileReject, idColumn: string | null): Rejected {
  const id = idColumn === null ? undefined : values?.[idColumn]
  return { id: typeof id === 'string' && id !== '' ? id : null, code, reason, place, payload, print }
}
