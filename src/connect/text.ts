import { isUtf8 } from 'node:buffer'

/**
 * Text that came as bytes: in the charset that its content type names, else in UTF-8. Nothing is put in place of bytes that are no text; throws
 * what `refuse` makes of the reason, which tells where they are and never what.
 */
export function decodeText(bytes: Uint8Array, contentType: string | undefined, refuse: (reason: string) => Error): string {
  const charset = charsetOf(contentType)
  const decoder = decoderOf(charset)
  if (decoder === null) throw refuse('is in a charset that is not known here')
  try {
    return decoder.decode(bytes)
  } catch {
    const bad = decoder.encoding === 'utf-8' ? invalidUtf8At(Buffer.from(bytes)) : null
    throw refuse(bad === null ? `is not ${decoder.encoding}, as it says` : `is not UTF-8 at byte ${bad + 1}`)
  }
}

/** Offset of the first byte that is no UTF-8, or null. */
export function invalidUtf8At(bytes: Buffer): number | null {
  if (isUtf8(bytes)) return null
  const text = bytes.toString('utf8')
  for (let at = text.indexOf('\ufffd'); at >= 0; at = text.indexOf('\ufffd', at + 1)) {
    const offset = Buffer.byteLength(text.slice(0, at))
    const genuine = bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd
    if (!genuine) return offset
  }
  return 0
}

function charsetOf(contentType: string | undefined): string {
  const [, quoted, plain] = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(contentType ?? '') ?? []
  return quoted ?? plain ?? 'utf-8'
}

/** Null where it is no charset, or one that this Node does not have. */
function decoderOf(charset: string): TextDecoder | null {
  try {
    return new TextDecoder(charset, { fatal: true })
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
