const encoder = new TextEncoder()
/** For keys of ASCII, which nearly all are: a character is a byte. */
const scratch = new Uint8Array(256)

/** murmur2 as Kafka's default partitioner computes it (seed 0x9747b28c), so that other clients find the same partition. */
export function murmur2(data: Uint8Array, length = data.length): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  const words = length >> 2
  for (let i = 0; i < words; i++) {
    const j = i * 4
    let k = (data[j]! & 0xff) | ((data[j + 1]! & 0xff) << 8) | ((data[j + 2]! & 0xff) << 16) | ((data[j + 3]! & 0xff) << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m)
    h ^= k
  }
  const tail = length & ~3
  switch (length & 3) {
    case 3:
      h ^= (data[tail + 2]! & 0xff) << 16
    // falls through
    case 2:
      h ^= (data[tail + 1]! & 0xff) << 8
    // falls through
    case 1:
      h ^= data[tail]! & 0xff
      h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h
}

export function partitionOf(key: string, partitions: number): number {
  const hash = copyAscii(key) ? murmur2(scratch, key.length) : murmur2(encoder.encode(key))
  return (hash & 0x7fffffff) % partitions
}

function copyAscii(key: string): boolean {
  if (key.length > scratch.length) return false
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    if (unit > 0x7f) return false
    scratch[i] = unit
  }
  return true
}
