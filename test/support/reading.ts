import { expect } from 'vitest'
import { ConnectError, type ConnectorSession, type Mapped, type Page, type Stream } from '../../src/ports/connector.ts'

export interface StreamRead {
  pages: Page[]
  pieces: Mapped[]
  error: ConnectError | null
}

/** Reads a stream as the platform would: pages until it ends or fails; `between` runs after each page. */
export async function readStream(stream: Stream, between: (pages: number) => Promise<void> = () => Promise.resolve()): Promise<StreamRead> {
  const pages: Page[] = []
  let error: ConnectError | null = null
  try {
    for await (const page of stream.pages()) {
      pages.push(page)
      await between(pages.length)
    }
  } catch (reason) {
    if (!(reason instanceof ConnectError)) throw reason
    error = reason
  }
  return { pages, error, pieces: pages.flatMap((page) => page.rows).flatMap((row) => stream.map(row)) }
}

export function named(session: ConnectorSession, name: string): Stream {
  const stream = session.streams.find((candidate) => candidate.name === name)
  if (stream === undefined) throw new Error(`no stream ${name}`)
  return stream
}

export const ofPiece = <P extends Mapped['piece']>(pieces: readonly Mapped[], piece: P) =>
  pieces.filter((candidate): candidate is Extract<Mapped, { piece: P }> => candidate.piece === piece)

export const containing = (text: string): unknown => expect.stringContaining(text)
