import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KafkaConfig } from '../../../schemas/config.ts'
import { openKafka } from '../../../src/open-kafka.ts'
import { contractPartitions } from '../../contract/log.ts'
import { finish } from '../../services/install-once.ts'
import { fetchKafka, launchKafka, type KafkaCluster } from '../../services/kafka.ts'

const password = 'the-password-of-the-test'
let directory: string
let cluster: KafkaCluster
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'grantline-security-'))
  const libs = await fetchKafka()
  const store = join(directory, 'broker.p12')
  const keytool = (...args: string[]): Promise<void> => finish('keytool', [...args, '-keystore', store, '-storetype', 'PKCS12', '-storepass', 'keystore', '-alias', 'broker'])
  await keytool('-genkeypair', '-keyalg', 'EC', '-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1', '-validity', '2')
  await keytool('-exportcert', '-rfc', '-file', join(directory, 'ca.pem'))
  // Java's package brings openssl: the authorities it trusts are kept with it
  await finish('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=grantline', '-days', '2', '-keyout', join(directory, 'client.key'), '-out', join(directory, 'client.pem')])
  writeFileSync(join(directory, 'trusted.pem'), ['ca.pem', 'client.pem'].map((name) => readFileSync(join(directory, name), 'utf8')).join(''))
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="b" user_broker="b"'
  cluster = await launchKafka(libs, {
    scram: { grantline: password },
    settings: {
      'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'listener.name.plaintext.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'listener.name.plaintext.plain.sasl.jaas.config': `${login} user_grantline="${password}";`,
      'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': store, 'ssl.keystore.password': 'keystore',
      'ssl.truststore.type': 'PEM', 'ssl.truststore.location': join(directory, 'trusted.pem'),
      'listener.name.plaintext.ssl.client.auth': 'required',
    },
  })
}, 240_000)
afterAll(async () => {
  await cluster.stop()
  rmSync(directory, { recursive: true, force: true })
})

const open = (sasl: object | null, tls: unknown): ReturnType<typeof openKafka> =>
  openKafka(KafkaConfig.parse({ brokers: cluster.brokers, tls, sasl }), {
    env: { KAFKA_PASSWORD: password }, baseDir: directory, partitions: contractPartitions, processors: [], path: join(directory, 'states'),
    log: () => undefined, onRestore: () => undefined, standby: false, onStandby: () => undefined,
  })
const login = { mechanism: 'plain', username: 'grantline', password: 'env:KAFKA_PASSWORD' }

const tls = { ca: 'ca.pem', cert: 'client.pem', key: 'file:client.key' }

describe('brokers that ask for TLS, a certificate of ours and a password', { timeout: 180_000 }, () => {
  it.each(['plain', 'scram-sha-512'])('are reached with certificate files, and references to the key and the password, by %s', async (mechanism) => {
    const { log } = await open({ ...login, mechanism }, tls)
    const task = await log.openTask(mechanism)
    const offset = await log.end('raw', 0)
    await task.commit({ appends: [{ topic: 'raw', partition: 0, key: null, timestamp: 1, value: Uint8Array.of(7) }], state: new Map() })
    expect((await log.read('raw', 0, offset, { maxMessages: 1, maxBytes: 1 })).map(({ value }) => [...value])).toEqual([[7]])
    await log.close()
  })

  it.each(['plain', 'scram-sha-512'])('refuse a wrong password, and the error does not repeat it, by %s', async (mechanism) => {
    writeFileSync(join(directory, 'wrong'), 'not-the-password')
    const error = await open({ ...login, mechanism, password: 'file:wrong' }, tls).then(() => null, (reason: unknown) => reason as Error)
    expect(error?.message).toMatch(/[Aa]uthentication/)
    expect(error?.message).not.toContain('not-the-password')
  })

  it('are not believed without their certificate', async () => {
    await expect(open(login, true)).rejects.toThrow(/certificate/)
  })

  it('refuse who has none', async () => {
    await expect(open(login, { ca: 'ca.pem' })).rejects.toThrow(/certificate required|bad certificate/)
  })
})
