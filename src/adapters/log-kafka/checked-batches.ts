import { crc32c } from './crc32c.ts'
import { attributesAt, coveredBytes, crcAt, endOfBatch, magic, magicAt } from './record-batch.ts'
import { replace } from './replace.ts'

/** kafkajs' own, of what is needed of one. */
interface Decoder {
  readonly buffer: Buffer
  readonly offset: number
}

/**
 * An answer with a batch whose bytes are not those that its producer wrote is refused, as the Java client does it (`check.crcs`). After whatever else amends how
 * an answer is read, before anything loads what it replaces.
 */
export function checkBatches(require: NodeJS.Require): void {
  replace(require, 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages', (decode: (decoder: Decoder) => Promise<object[]>): typeof decode => async (decoder) => {
    const { buffer, offset } = decoder
    refuseDamaged(buffer.subarray(offset + 4, offset + 4 + buffer.readInt32BE(offset)))
    return await decode(decoder)
  })
}

/** The last batch may be cut off: of that one nothing is said. */
function refuseDamaged(batches: Buffer): void {
  for (let at = 0; at + attributesAt <= batches.length && batches[at + magicAt] === magic; ) {
    const end = endOfBatch(batches, at)
    if (end > batches.length) return
    if (end < at + attributesAt || crc32c(coveredBytes(batches, at, end)) !== batches.readUInt32BE(at + crcAt)) {
      throw new Error(
        `the batch at offset ${batches.readBigInt64BE(at)} is not as it was written: its bytes do not give its checksum. It is asked for again; where it stays so, ` +
          "the copy on the disk of the partition's leader is damaged: let another broker lead it",
      )
    }
    at = end
  }
}
