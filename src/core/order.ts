interface NamedGrant {
  readonly entitlement: string
  readonly native: string
}

/** As facts, access and reports tell an account's grants. */
export const compareGrants = (a: NamedGrant, b: NamedGrant): number => compareKeys(a.entitlement, b.entitlement) || compareKeys(a.native, b.native)

/** Code point order: what UTF-8 bytes sort by. `<` on strings compares UTF-16 units, which differs above U+FFFF. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    let x = a.charCodeAt(i)
    let y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000
    }
    return x - y
  }
  return a.length - b.length
}
