import { expect } from 'vitest'
import { ScimConfig } from '../../../connectors/scim/config.ts'
import { connector } from '../../../connectors/scim/connector.ts'
import { ConnectError, type ConnectorSession, type Mapped, type Page, type Stream } from '../../../src/ports/connector.ts'
import { testPlatform, type TestPlatform } from '../../support/test-platform.ts'

export interface StreamRead {
  pages: Page[]
  pieces: Mapped[]
  /** ids of rows, in order */
  ids: string[]
  error: ConnectError | null
}

export async function openScim(baseUrl: string, patch: object = {}, platform: TestPlatform = testPlatform()): Promise<ConnectorSession> {
  return connector.open(ScimConfig.parse({ baseUrl, ...patch }), platform)
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
  const rows = pages.flatMap((page) => page.rows)
  return { pages, error, ids: rows.map((row) => (row as { id: string }).id), pieces: rows.flatMap((row) => stream.map(row)) }
}

export function named(session: ConnectorSession, name: string): Stream {
  const stream = session.streams.find((candidate) => candidate.name === name)
  if (stream === undefined) throw new Error(`no stream ${name}`)
  return stream
}

/** Places of pages that do not begin where the page before ended: rows slipped, or came again. */
export function breaks(pages: readonly Page[]): string[] {
  const found: string[] = []
  let expected = 0
  for (const page of pages) {
    if (page.rows.length > 0 && page.start !== expected) found.push(page.place)
    expected = (page.start ?? expected) + page.rows.length
  }
  return found
}

export const containing = (text: string): unknown => expect.stringContaining(text)
