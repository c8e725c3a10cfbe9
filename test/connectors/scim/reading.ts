import { ScimConfig } from '../../../connectors/scim/config.ts'
import { connector } from '../../../connectors/scim/connector.ts'
import type { ConnectorSession, Page, Stream } from '../../../src/ports/connector.ts'
import { readStream as readAny, type StreamRead as AnyRead } from '../../support/reading.ts'
import { testPlatform, type TestPlatform } from '../../support/test-platform.ts'

export interface StreamRead extends AnyRead {
  /** ids of rows, in order */
  ids: string[]
}

export async function openScim(baseUrl: string, patch: object = {}, platform: TestPlatform = testPlatform()): Promise<ConnectorSession> {
  return connector.open(ScimConfig.parse({ baseUrl, ...patch }), platform)
}

export async function readStream(stream: Stream, between?: (pages: number) => Promise<void>): Promise<StreamRead> {
  const read = await readAny(stream, between)
  return { ...read, ids: read.pages.flatMap((page) => page.rows).map((row) => (row as { id: string }).id) }
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
