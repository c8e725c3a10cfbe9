/** What goes to the brokers in one request. */
export interface Outgoing {
  topic: string
  partition: number
  key: Buffer | null
  /** null: a tombstone */
  value: Buffer | null
  /** ms */
  timestamp: number
  headers?: Readonly<Record<string, string>> | null
}

/** Bytes of one partition in one request: they become one batch, which a broker takes whole or not at all. */
const maxBatchBytes = 768 * 1024
/** Bytes of one request over all partitions: memory on both sides. */
const maxRequestBytes = 8 * 1024 * 1024
/** Framing of one record, about. */
const recordBytes = 24

/** Cuts `items` into requests, one after the other; each partition's stay in order. A larger record travels alone in its batch. */
export function* waves<T extends Outgoing>(items: Iterable<T>): Generator<T[]> {
  let wave: T[] = []
  let total = 0
  const inBatch = new Map<string, number>()
  for (const item of items) {
    const place = `${item.topic}/${item.partition}`
    const bytes = recordBytes + (item.key?.length ?? 0) + (item.value?.length ?? 0) + headerBytes(item)
    const already = inBatch.get(place) ?? 0
    if ((already > 0 && already + bytes > maxBatchBytes) || (total > 0 && total + bytes > maxRequestBytes)) {
      yield wave
      wave = []
      total = 0
      inBatch.clear()
    }
    wave.push(item)
    total += bytes
    inBatch.set(place, (inBatch.get(place) ?? 0) + bytes)
  }
  if (wave.length > 0) yield wave
}

function headerBytes({ headers }: Outgoing): number {
  let bytes = 0
  for (const name in headers) bytes += 2 + name.length + headers[name]!.length
  return bytes
}
