/** Where what is in a batch (Kafka protocol, "Record Batch"), from its beginning, bytes. */
export const lengthAt = 8
export const magicAt = 16
export const crcAt = 17
export const attributesAt = 21
export const lastOffsetDeltaAt = 23
export const maxTimestampAt = 35
export const producerIdAt = 43
export const countAt = 57
export const recordsAt = 61

/** Of the one form that there is now. */
export const magic = 2
/** Of the attributes. */
export const transactionalBit = 0x10

/** The length counts what comes behind it. */
const behindLength = lengthAt + 4

export const lengthOf = (batch: Buffer): number => batch.length - behindLength

/** Where the batch at this place says that it ends. */
export const endOfBatch = (bytes: Buffer, at: number): number => at + behindLength + bytes.readInt32BE(at + lengthAt)

/** Of whole batches the checksum covers all that its producer writes: from the attributes on. */
export const coveredBytes = (bytes: Buffer, at: number, end: number): Buffer => bytes.subarray(at + attributesAt, end)
