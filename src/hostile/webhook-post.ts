import { setTimeout as sleep } from 'node:timers/promises'
import type { Sent } from './webhook-sender.ts'

export interface Answered {
  status: number
  text: string
}

const tries = 5
const firstWaitMs = 500
const timeoutMs = 15_000

/** One delivery, as a patient sender makes it: again, ever later, while nobody answers or the answer is 429 or 5xx. Fails where nobody ever answers. */
export async function post(url: string, { headers, body }: Sent): Promise<Answered> {
  const given = Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined))
  for (let left = tries - 1, waitMs = firstWaitMs; ; left--, waitMs *= 2) {
    try {
      const response = await fetch(url, {
        method: 'POST', headers: { 'content-type': 'application/json', ...given }, body: new Uint8Array(body), redirect: 'manual', signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await response.text()
      if (left === 0 || (response.status !== 429 && response.status < 500)) return { status: response.status, text }
    } catch (error) {
      if (left === 0) throw new Error(`nobody answers at ${url}: start grantline there, or give the address that its \`run\` prints`, { cause: error })
    }
    await sleep(waitMs)
  }
}
