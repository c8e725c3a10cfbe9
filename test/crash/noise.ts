import { createHash } from 'node:crypto'

/** Bytes that follow from a number and can't be packed. */
export function noise(n: number, bytes: number): Uint8Array {
  const seed = Buffer.allocUnsafe(4)
  seed.writeUInt32BE(n)
  return createHash('shake256', { outputLength: Math.max(1, bytes) }).update(seed).digest().subarray(0, bytes)
}
