import { isIP } from 'node:net'
import { ConfigError } from '../config/config-error.ts'
import type { Api } from '../http/api.ts'
import { remoteApi } from '../http/remote-api.ts'

const urlName = 'GRANTLINE_URL'
const tokenName = 'GRANTLINE_TOKEN'

/** The installation that these environment variables name, wherever it is, with the token they give; null where they name none. Throws ConfigError. */
export function elsewhere(env: Readonly<Record<string, string | undefined>>): Api | null {
  const text = env[urlName] ?? ''
  if (text === '') return null
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new ConfigError(`${urlName}: ${JSON.stringify(text)} is no address; write https://grantline.example.org`)
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) throw new ConfigError(`${urlName}: the token is not sent to ${url.host} in the clear; write https://, to a proxy with TLS before it`)
  const token = env[tokenName] ?? ''
  if (token === '') throw new ConfigError(`${urlName} is set and ${tokenName} is not: it takes a token of \`http.tokens\` there`)
  return remoteApi(url.href, token)
}

function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1')
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}
