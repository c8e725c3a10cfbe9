import { fetchApicurio } from './apicurio.ts'
import { fetchKafka } from './kafka.ts'
import { fetchKeycloak } from './keycloak.ts'

/** Fetches what the suites on Kafka, a registry and Keycloak need, before any test has to wait for it. Answers why they can't run, or null. */
export async function prepareServices(): Promise<string | null> {
  const isGiven = (name: string): boolean => (process.env[name] ?? '') !== ''
  try {
    if (!isGiven('KAFKA_BROKERS')) await fetchKafka()
    if (!isGiven('SCHEMA_REGISTRY_URL')) await fetchApicurio()
    if (!isGiven('KEYCLOAK_URL')) await fetchKeycloak()
    return null
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? 'unknown'
  }
}
