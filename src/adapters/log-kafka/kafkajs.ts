import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type kafkajs from 'kafkajs'
import { repairKafkajs, requireKnownRelease } from './repair.ts'

/** Packed records are hardly smaller at higher levels, which take a third longer. */
const level = 1
/** What is unpacked comes in pieces, each by a thread and back: mostly one, as records are seldom packed to less than an eighth. */
const pieceBytes = (packedBytes: number): number => Math.min(1024 * 1024, Math.max(16 * 1024, packedBytes * 8))

/** The one way to kafkajs: repaired before it is loaded, with zstd. Whoever imports it elsewhere gets a copy that may not be. */
export const requireFromHere = createRequire(import.meta.url)
requireKnownRelease(requireFromHere)
repairKafkajs(requireFromHere)
const loaded = requireFromHere('kafkajs') as typeof kafkajs

export const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = loaded

registerZstd(loaded)

/** RFC 8878, by the zstd that Node has had since 22.15. */
export function registerZstd({ CompressionCodecs, CompressionTypes: types }: typeof kafkajs): void {
  if (!('zstdCompress' in zlib)) throw new Error(`Node ${process.version} has no zstd: on Kafka, grantline needs Node 22.15 or later`)
  const compress = promisify(zlib.zstdCompress)
  const decompress = promisify(zlib.zstdDecompress)
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: level }
  CompressionCodecs[types.ZSTD] = () => ({
    compress: (encoder: { buffer: Buffer }) => compress(encoder.buffer, { params }),
    decompress: (buffer: Buffer) => decompress(buffer, { chunkSize: pieceBytes(buffer.length) }),
  })
}
