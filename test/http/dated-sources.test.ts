import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { datedOf, datedText } from '../../src/http/dated-sources.ts'
import { unprovenHeader } from '../../src/http/unproven-header.ts'

/** As long as the name of a source can be. */
const names = Array.from({ length: 500 }, (_, i) => `a${String(i).padStart(62, '0')}`)

it('comes back as it was', () => {
  const sources = [{ source: 'billing', since: 1_795_858_634_954 }, { source: 'desk', since: null }]
  expect(datedText(sources)).toBe('"billing";since=1795858634954, "desk"')
  expect(datedOf(datedText(sources))).toEqual(sources)
  expect(datedOf(null)).toEqual([])
  expect(() => datedOf('billing')).toThrow()
})

it('counts those for which there is no room, as any client has it', async () => {
  const sources = names.flatMap((source, i) => [{ source, since: null }, { source, since: i }])
  const server = createServer((_, response) => response.setHeader(unprovenHeader, datedText(sources)).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    expect(headers.get(unprovenHeader)!.length).toBeLessThan(8_000)
    const told = datedOf(headers.get(unprovenHeader))
    expect(told).toHaveLength(66)
    expect([told[0], told[32], told[33], told[65]]).toEqual([{ source: names[0], since: 0 }, { source: '468 others', since: 499 }, { source: names[0], since: null }, { source: '468 others', since: null }])
  } finally {
    server.close()
  }
})
