const maxChars = 500

/**
 * The shape of a value without its content, for dead letters: letters become x, digits 9, punctuation stays, so that a broken
 * quote or a shifted column can be seen and a secret can't. A rejected row never went through a connector's allow-list, hence
 * nothing of it is trusted.
 */
export function maskText(text: string): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars).toWellFormed()}…` : text.toWellFormed()
  return cut.replace(/\p{L}|\p{M}|\p{S}/gu, 'x').replace(/\p{N}/gu, '9').replace(/[\p{Cc}\p{Cn}]/gu, '?')
}

/** The same for a whole row: property names stay (at most 40 of them), values are masked. */
export function maskRow(row: unknown): string {
  if (row instanceof Uint8Array) return `<${row.length} bytes>`
  if (typeof row === 'string') return maskText(row)
  if (row === undefined) return ''
  const text = JSON.stringify(maskValue(row, 0))
  return text.length > 4 * maxChars ? `${text.slice(0, 4 * maxChars).toWellFormed()}…` : text
}

function maskValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return maskText(value.slice(0, 80))
    case 'number':
    case 'bigint':
      return 9
    case 'boolean':
    case 'undefined':
      return value
    case 'object':
      if (value === null) return null
      if (value instanceof Uint8Array) return `<${value.length} bytes>`
      if (value instanceof Date) return '<date>'
      if (depth > 3) return '…'
      if (Array.isArray(value)) return value.slice(0, 5).map((item) => maskValue(item, depth + 1))
      return Object.fromEntries(
        Object.entries(value)
          .slice(0, 40)
          .map(([key, item]) => [key.slice(0, 80), maskValue(item, depth + 1)]),
      )
    default:
      return `<${typeof value}>`
  }
}
