import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type kafkajs from 'kafkajs'
import { keepCoordinators } from './coordinators.ts'
import { repairKafkajs, requireKnownRelease } from './repair.ts'
import { writeAtOnce } from './transactions.ts'

/** Packed records are hardly smaller at higher levels, which take a third longer. */
const level = 1
/** A thread and back cost more than packing so little at once, and as much as unpacking anything that the brokers send in one batch. */
const maxPackedAtOnceBytes = 128 * 1024
/** What comes out comes in pieces: mostly one, as records are packed to less than half and seldom to less than an eighth. */
const pieceBytes = (bytes: number): number => Math.min(1024 * 1024, Math.max(16 * 1024, bytes))

/** The one way to kafkajs: repaired before it is loaded, with zstd. Whoever imports it elsewhere gets a copy that may not be. */
export const requireFromHere = createRequire(import.meta.url)
requireKnownRelease(requireFromHere)
repairKafkajs(requireFromHere)
keepCoordinators(requireFromHere)
writeAtOnce(requireFromHere)
const loaded = requireFromHere('kafkajs') as typeof kafkajs

export const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = loaded

registerZstd(loaded)

/** RFC 8878, by the zstd that Node has had since 22.15. */
export function registerZstd({ CompressionCodecs, CompressionTypes: types }: typeof kafkajs): void {
  if (!('zstdCompress' in zlib)) throw new Error(`Node ${process.version} has no zstd: on Kafka, grantline needs Node 22.15 or later`)
  const compress = promisify(zlib.zstdCompress)
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: level }
  CompressionCodecs[types.ZSTD] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => {
      const options = { params, chunkSize: pieceBytes(buffer.length >> 1) }
      return buffer.length > maxPackedAtOnceBytes ? compress(buffer, options) : Promise.resolve(zlib.zstdCompressSync(buffer, options))
    },
    decompress: (buffer: Buffer) => Promise.resolve(zlib.zstdDecompressSync(buffer, { chunkSize: pieceBytes(buffer.length * 8) })),
  })
}
