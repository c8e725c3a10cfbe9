import { fetchKafka } from './kafka.ts'

/** Fetches what the suites on Kafka need, before any test has to wait for it. Answers why they can't run, or null. */
export async function prepareServices(): Promise<string | null> {
  if ((process.env['KAFKA_BROKERS'] ?? '') !== '') return null
  try {
    await fetchKafka()
    return null
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? 'unknown'
  }
}
