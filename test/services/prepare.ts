import { fetchApicurio } from './apicurio.ts'
import { fetchKafka } from './kafka.ts'

/** Fetches what the suites on Kafka and a registry need, before any test has to wait for it. Answers why they can't run, or null. */
export async function prepareServices(): Promise<string | null> {
  const isGiven = (name: string): boolean => (process.env[name] ?? '') !== ''
  try {
    if (!isGiven('KAFKA_BROKERS')) await fetchKafka()
    if (!isGiven('SCHEMA_REGISTRY_URL')) await fetchApicurio()
    return null
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? 'unknown'
  }
}
