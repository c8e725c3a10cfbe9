import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endsWithUs, lastWords } from './child.ts'
import { freePort } from './free-port.ts'
import { cacheDir, finish, installOnce } from './install-once.ts'
import { requireJava } from './java.ts'

export interface SchemaRegistryService {
  /** of its Confluent API */
  readonly url: string
  readonly stop: () => Promise<void>
}

const version = '2.6.13.Final'
const startTimeoutMs = 240_000

/** The registry's programs, fetched from Maven Central once. Throws, saying why, where that can't be done. */
export async function fetchApicurio(): Promise<string> {
  await requireJava()
  const home = join(cacheDir, `apicurio-${version}`)
  await installOnce(home, async () => {
    rmSync(home, { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    const artifact = `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`
    await finish('mvn', ['-q', '-B', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${home}`])
    const archive = readdirSync(home).find((file) => file.endsWith('.tar.gz'))
    await finish('tar', ['-xzf', join(home, archive ?? artifact), '-C', home])
    rmSync(join(home, archive ?? artifact))
  })
  return home
}

/**
 * Apicurio Registry of our own: on loopback, a free port, nothing on disk. `SCHEMA_REGISTRY_URL` uses an existing registry with the
 * Confluent API instead. Throws, saying why, if there is neither.
 */
export async function startSchemaRegistry(): Promise<SchemaRegistryService> {
  const existing = process.env['SCHEMA_REGISTRY_URL']
  if (existing !== undefined && existing !== '') return { url: existing, stop: async () => undefined }
  return await launchSchemaRegistry()
}

/** One of our own in any case, that holds nothing yet. */
export async function launchSchemaRegistry(): Promise<SchemaRegistryService> {
  try {
    return await launch(await fetchApicurio())
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.error(`Apicurio Registry can't be started for the tests: ${why.split('\n')[0]}`)
    throw error
  }
}

async function launch(home: string): Promise<SchemaRegistryService> {
  const dir = mkdtempSync(join(tmpdir(), 'grantline-apicurio-'))
  const port = await freePort()
  const child = spawn(
    'java',
    [
      '-Xmx300m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Djava.io.tmpdir=${dir}`, '-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`,
      '-jar', join(home, `apicurio-registry-app-${version}-runner.jar`),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: dir },
  )
  const stop = endsWithUs(child, dir)
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  try {
    await ready(child, url)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs
  const said = lastWords(child)
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said()}`)
    const answer = await fetch(`${url}/subjects`).catch(() => null)
    if (answer?.ok === true) return
    if (performance.now() > deadline) throw new Error(`it does not answer after ${startTimeoutMs} ms: ${said()}`)
    await sleep(200)
  }
}
