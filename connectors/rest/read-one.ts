import { compileMap, type DeclaredRow } from '../../src/connect/declared/mapping.ts'
import { Ledger } from '../../src/connect/ledger.ts'
import { unprovenAbsence } from '../../src/connect/unproven-absence.ts'
import { ConnectError, type Mapped } from '../../src/ports/connector.ts'
import { type Answer, type Api, flag, ofAnswer } from './api.ts'
import { names, type RestConfig, type RestOne } from './config.ts'
import { declaredList, idOfMap, idOfStream, type List } from './list.ts'

type MapRow = (row: DeclaredRow) => Mapped[]

interface SingleList {
  of: RestOne
  list: List
  maps: MapRow[]
}

/**
 * One account by the declared requests: its pieces; null where the first request answers that it is gone and, asked the same way,
 * another account of the first list is found. Throws ConnectError where that can't be known.
 */
export function singleReader(api: Api, config: RestConfig, ones: readonly RestOne[]): (id: string) => Promise<Mapped[] | null> {
  const lists = ones.map((of): SingleList => {
    const like = config.streams.find(({ name }) => name === of.like)
    const maps = [like?.map, of.map].flatMap((map) => (map === undefined ? [] : [compileMap(map)]))
    const id = like === undefined ? idOfMap(of.map ?? []) : idOfStream(like)
    return { of, list: declaredList(api, config, { ...of, paging: pagingOf(config, of) }, id), maps }
  })
  const isGone = ofAnswer(ones[0]!.gone, names.answer, flag, 'true or false')
  const gone = (answer: Answer, place: string): void => {
    if (isGone(answer, place)) throw new Gone()
  }
  const readAll = async (id: string, place: string): Promise<Mapped[] | null> => {
    const pieces: Mapped[] = []
    try {
      for (const [at, single] of lists.entries()) {
        pieces.push(...(await readSingle(single, id, place, (answer) => (at === 0 ? gone(answer, place) : undefined))))
      }
    } catch (error) {
      if (error instanceof Gone) return null
      throw error
    }
    if (!pieces.some((piece) => piece.piece === 'account')) throw new ConnectError('schema', 'the answer shows no account', place)
    return pieces
  }
  return async (id) => {
    const place = `account ${id}`
    const pieces = await readAll(id, place)
    if (pieces !== null) return pieces
    const control = await controlAccount(api, config, id)
    if (control !== null && (await readAll(control, `${place}, control ${control}`)) !== null) return null
    throw unprovenAbsence(place)
  }
}

/**
 * An answer that is the account itself (`rows` is written as a list, as by default) is all there is. A list that the answer holds may be
 * cut as any other list of the application, so it is paged as they are.
 */
const pagingOf = (config: RestConfig, { paging, rows }: RestOne): RestConfig['paging'] =>
  paging ?? (rows.trimStart().startsWith('[') ? { by: 'once', whole: true } : config.paging)

/** The application answers that it has no such account. */
class Gone extends Error {}

async function readSingle({ list, maps, of }: SingleList, id: string, place: string, seen: (answer: Answer) => void): Promise<Mapped[]> {
  const pieces: Mapped[] = []
  const ledger = new Ledger(list.strategy.proof)
  for await (const page of list.strategy.walk(list.endpoint(`${place} at ${of.path}`, { id }, id, seen), null)) {
    ledger.page({ place: page.place, rows: page.rows.length, rejected: 0, total: page.total, start: page.start, digest: page.place })
    for (const row of page.rows as readonly DeclaredRow[]) pieces.push(...maps.flatMap((map) => map(row)))
  }
  const books = ledger.close()
  if (books.verdict === 'partial') throw new ConnectError('partial', books.reason ?? 'not all was read', books.place ?? place)
  return pieces
}

/** Another account that the application lists now. */
async function controlAccount(api: Api, config: RestConfig, not: string): Promise<string | null> {
  const stream = config.streams.find(({ each, map }) => each === undefined && map.some(({ piece }) => piece === 'account'))
  if (stream === undefined) return null
  const list = declaredList(api, config, { ...stream, pageSize: 2 }, idOfStream(stream))
  const map = compileMap(stream.map)
  for await (const page of list.strategy.walk(list.endpoint(`${stream.name}, for a control`, {}, null), null)) {
    for (const row of page.rows as readonly DeclaredRow[]) {
      const account = map(row).find((piece) => piece.piece === 'account')
      if (account !== undefined && account.id !== not) return account.id
    }
  }
  return null
}

