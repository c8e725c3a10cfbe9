/**
 * One spelling for all spellings of a distinguished name (RFC 4514): types and values in lower case, no space around separators,
 * inner runs of spaces as one, only what must be is escaped, the parts of a multi-valued name in order. Values are compared as
 * directories compare names (caseIgnoreMatch). Null where the text is no distinguished name.
 */
export function canonicalDn(text: string): string | null {
  const names: string[] = []
  let parts: string[] = []
  let at = 0
  for (;;) {
    const part = readPart(text, at)
    if (part === null) return null
    parts.push(`${part.type}=${escaped(part.value)}`)
    at = part.end
    const separator = text.charAt(at)
    if (separator !== '+') {
      names.push(parts.sort().join('+'))
      parts = []
    }
    if (separator === '') return names.join(',')
    at++
  }
}

/** Whether the name is the base itself or lies below it; both canonical. */
export const isUnder = (dn: string, base: string): boolean => dn === base || dn.endsWith(`,${base}`)

interface Part {
  type: string
  value: string
  /** of the separator that follows, or of the text */
  end: number
}

function readPart(text: string, from: number): Part | null {
  const head = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=\s*/.exec(text.slice(from))
  if (head === null) return null
  let at = from + head[0].length
  const bytes: Uint8Array[] = []
  // Spaces at the end count only where they are escaped.
  let kept = 0
  const quoted = text.charAt(at) === '"'
  if (quoted) at++
  for (; at < text.length; ) {
    const char = text.charAt(at)
    if (char === '\\') {
      const hex = /^[0-9A-Fa-f]{2}/.exec(text.slice(at + 1, at + 3))?.[0]
      const literal = String.fromCodePoint(text.codePointAt(at + 1) ?? 0)
      if (hex === undefined && at + 1 >= text.length) return null
      bytes.push(hex === undefined ? Buffer.from(literal) : Buffer.from(hex, 'hex'))
      at += hex === undefined ? 1 + literal.length : 3
      kept = bytes.length
      continue
    }
    if (quoted && char === '"') {
      at += 1 + (/^\s*/.exec(text.slice(at + 1))?.[0].length ?? 0)
      if (at < text.length && !/[,+;]/.test(text.charAt(at))) return null
      return partOf(head[1] ?? '', bytes, at)
    }
    if (!quoted && /[,+;]/.test(char)) break
    const literal = String.fromCodePoint(text.codePointAt(at) ?? 0)
    bytes.push(Buffer.from(literal))
    at += literal.length
    if (quoted || char !== ' ') kept = bytes.length
  }
  return quoted ? null : partOf(head[1] ?? '', bytes.slice(0, kept), at)
}

function partOf(type: string, bytes: readonly Uint8Array[], end: number): Part | null {
  const value = Buffer.concat(bytes).toString('utf8').normalize('NFKC').toLowerCase().replace(/ +/g, ' ').trim()
  return value === '' ? null : { type: type.toLowerCase(), value, end }
}

const escaped = (value: string): string => value.replace(/[\\,+;"<>=]|^#/g, '\\$&').replaceAll('\u0000', '\\00')
