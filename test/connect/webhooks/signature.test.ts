import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { verifyHmac, verifyStandard } from '../../../src/connect/webhooks/signature.ts'

const now = Date.UTC(2026, 0, 1)
const secret = `whsec_${Buffer.from('a key of the test, 32 bytes long').toString('base64')}`
const body = Buffer.from('{"user": "köhler"}\r\n')

function standard(patch: { id?: string; seconds?: number; signature?: string } = {}) {
  const { id = 'msg_1', seconds = now / 1_000 } = patch
  const signature = createHmac('sha256', Buffer.from('a key of the test, 32 bytes long')).update(`${id}.${seconds}.`).update(body).digest('base64')
  return { headers: { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': patch.signature ?? `v1,${signature}` }, body }
}
const verify = (incoming: ReturnType<typeof standard>, secrets: string[] = [secret]) => verifyStandard(incoming, secrets, now, 300_000)

describe('Standard Webhooks', () => {
  it('agree with an example signed by another implementation', () => {
    // The example of the specification's reference libraries.
    const headers = { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' }
    const incoming = { headers, body: Buffer.from('{"test": 2432232314}') }
    expect(verifyStandard(incoming, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], 1_614_265_330_000, 300_000)).toEqual({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek' })
  })

  it('are taken with any of several signatures, by any of several secrets, while keys change', () => {
    const right = standard().headers['webhook-signature']
    expect(verify(standard())).toEqual({ id: 'msg_1' })
    expect(verify(standard({ signature: `v1a,xyz v1,AAAA ${right}` }))).toEqual({ id: 'msg_1' })
    expect(verify(standard(), ['whsec_AAAA', secret])).toEqual({ id: 'msg_1' })
  })

  it('are refused where anything that is signed differs', () => {
    const good = standard()
    const refused = { refused: 'no signature is right' }
    expect(verify({ ...good, body: Buffer.from('{"user": "kohler"}\r\n') })).toEqual(refused)
    expect(verify({ ...good, headers: { ...good.headers, 'webhook-id': 'msg_2' } })).toEqual(refused)
    expect(verify({ ...good, headers: { ...good.headers, 'webhook-timestamp': String(now / 1_000 + 1) } })).toEqual(refused)
    expect(verify(good, ['whsec_AAAA'])).toEqual(refused)
    for (const signature of ['', 'v1,', 'v1', 'v2,AAAA', 'v1,****']) expect(verify(standard({ signature }))).toEqual(refused)
  })

  it('are refused outside the window, in both directions, and without their headers', () => {
    for (const seconds of [now / 1_000 - 301, now / 1_000 + 301]) expect(verify(standard({ seconds }))).toHaveProperty('refused', expect.stringContaining('replay'))
    for (const seconds of [now / 1_000 - 299, now / 1_000 + 299]) expect(verify(standard({ seconds }))).toEqual({ id: 'msg_1' })
    expect(verifyStandard({ headers: {}, body }, [secret], now, 300_000)).toHaveProperty('refused', expect.stringContaining('missing'))
    expect(verify(standard({ seconds: NaN }))).toHaveProperty('refused', 'webhook-timestamp is no number of seconds')
  })
})

describe('HMAC over the body', () => {
  const names = { signature: 'X-Hub-Signature-256', prefix: 'sha256=', id: 'X-GitHub-Delivery' }
  const incoming = (signature: string) => ({ headers: { 'x-hub-signature-256': signature, 'x-github-delivery': 'd-1' }, body: Buffer.from('Hello, World!') })

  it('agrees with GitHub’s own example', () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    expect(verifyHmac(incoming(signature), ["It's a Secret to Everybody"], names)).toEqual({ id: 'd-1' })
  })

  it('is refused where it differs, or is missing', () => {
    for (const signature of ['sha256=', `sha256=${'0'.repeat(64)}`, 'sha256=zz', 'sha1=757107']) expect(verifyHmac(incoming(signature), ['s'], names)).toHaveProperty('refused')
    expect(verifyHmac({ headers: {}, body: Buffer.from('') }, ['s'], names)).toHaveProperty('refused', 'X-GitHub-Delivery or X-Hub-Signature-256 is missing')
  })
})
