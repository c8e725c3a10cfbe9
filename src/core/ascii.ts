/** Names come by the thousand: one that was read lately is answered again, the very same string, whose hash is known already. */
const slots = new Array<string>(8_192).fill('')
const maxKept = 48
/** More arguments than this some engines refuse. */
const maxAtOnce = 4_096
/** By length: the characters of a short text, which are its arguments; those of a view of the bytes would be copied first. */
const units: number[][] = []

/** The text of `length` bytes from `from` on; undefined where one of them is not ASCII. */
export function asciiAt(bytes: Uint8Array, from: number, length: number): string | undefined {
  const end = from + length
  let hash = length
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!
    if (byte > 0x7f) return undefined
    hash = (Math.imul(hash, 31) + byte) | 0
  }
  if (length > maxKept) return made(bytes, from, end)
  const slot = (hash ^ (hash >>> 13)) & (slots.length - 1)
  const kept = slots[slot]!
  if (isAt(kept, bytes, from, length)) return kept
  return (slots[slot] = made(bytes, from, end))
}

function isAt(text: string, bytes: Uint8Array, from: number, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false
  return true
}

function made(bytes: Uint8Array, from: number, end: number): string {
  const length = end - from
  if (length <= maxKept) {
    const codes = (units[length] ??= new Array<number>(length).fill(0))
    for (let i = 0; i < length; i++) codes[i] = bytes[from + i]!
    return String.fromCharCode.apply(null, codes)
  }
  let text = ''
  for (let at = from; at < end; at += maxAtOnce) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + maxAtOnce)) as unknown as number[])
  }
  return text
}
