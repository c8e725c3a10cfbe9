import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type kafkajs from 'kafkajs'
import { keepCoordinators } from './coordinators.ts'
import { unpackLz4 } from './lz4.ts'
import { repairKafkajs, requireKnownRelease } from './repair.ts'
import { unpackSnappy } from './snappy.ts'
import { writeAtOnce } from './transactions.ts'
import { maxUnpackedBytes, UnpackedTooLarge } from './unpacked.ts'

/** Packed records are hardly smaller at higher levels, which take a third longer. */
const level = 1
/** A thread and back cost more than packing so little at once, and as much as unpacking anything that the brokers send in one batch. */
const maxPackedAtOnceBytes = 128 * 1024
/** What comes out comes in pieces: mostly one, as records are packed to less than half and seldom to less than an eighth. */
const pieceBytes = (bytes: number): number => Math.min(1024 * 1024, Math.max(16 * 1024, bytes))

/** The one way to kafkajs: repaired before it is loaded, with every codec. Whoever imports it elsewhere gets a copy that may not be. */
export const requireFromHere = createRequire(import.meta.url)
requireKnownRelease(requireFromHere)
repairKafkajs(requireFromHere)
keepCoordinators(requireFromHere)
writeAtOnce(requireFromHere)
const loaded = requireFromHere('kafkajs') as typeof kafkajs

export const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = loaded

registerCodecs(loaded)

/**
 * What a stranger's producer may pack with, or a broker whose `compression.type` says so; kafkajs has gzip alone, without a limit, and gives a fetch up
 * for ever at a batch of another. zstd (RFC 8878) is Node's since 22.15, and ours.
 */
function registerCodecs({ CompressionCodecs, CompressionTypes: types }: typeof kafkajs): void {
  if (!('zstdCompress' in zlib)) throw new Error(`Node ${process.version} has no zstd: on Kafka, grantline needs Node 22.15 or later`)
  const compressZstd = promisify(zlib.zstdCompress)
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: level }
  CompressionCodecs[types.ZSTD] = () => ({
    compress: ({ buffer }: Packable) => {
      const options = { params, chunkSize: pieceBytes(buffer.length >> 1) }
      return buffer.length > maxPackedAtOnceBytes ? compressZstd(buffer, options) : Promise.resolve(zlib.zstdCompressSync(buffer, options))
    },
    decompress: unpacking((buffer) => zlib.zstdDecompressSync(buffer, { chunkSize: pieceBytes(buffer.length * 8), maxOutputLength: maxUnpackedBytes })),
  })
  CompressionCodecs[types.GZIP] = () => ({
    compress: ({ buffer }: Packable) => promisify(zlib.gzip)(buffer),
    decompress: unpacking((buffer) => zlib.gunzipSync(buffer, { maxOutputLength: maxUnpackedBytes })),
  })
  CompressionCodecs[types.Snappy] = () => ({ compress: neverPacked, decompress: unpacking(unpackSnappy) })
  CompressionCodecs[types.LZ4] = () => ({ compress: neverPacked, decompress: unpacking(unpackLz4) })
}

interface Packable {
  buffer: Buffer
}

const unpacking = (unpack: (packed: Buffer) => Buffer) => (packed: Buffer): Promise<Buffer> => {
  try {
    return Promise.resolve(unpack(packed))
  } catch (error) {
    const isTooLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    return Promise.reject(isTooLarge ? new UnpackedTooLarge() : error as Error)
  }
}

const neverPacked = (): Promise<Buffer> => Promise.reject(new Error('only zstd and gzip are packed here'))
