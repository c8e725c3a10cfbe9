import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalDn, isUnder } from '../../../connectors/ldap/dn.ts'

describe('one spelling for all spellings of a name', () => {
  test.each([
    ['UID=Ada,OU=People,DC=Example,DC=org', 'uid=ada,ou=people,dc=example,dc=org'],
    [' uid = ada , ou=People;dc=example ', 'uid=ada,ou=people,dc=example'],
    ['cn=Byron\\, Ada,dc=x', 'cn=byron\\, ada,dc=x'],
    ['cn="Byron, Ada",dc=x', 'cn=byron\\, ada,dc=x'],
    ['cn=J\\C3\\BCrgen,dc=x', 'cn=jürgen,dc=x'],
    ['cn=Ju\u0308rgen,dc=x', 'cn=jürgen,dc=x'],
    ['cn=a   b\\ ,dc=x', 'cn=a b,dc=x'],
    ['ou=x+cn=y,dc=z', 'cn=y+ou=x,dc=z'],
    ['cn=\\#1,dc=x', 'cn=\\#1,dc=x'],
    ['2.5.4.3=a,dc=x', '2.5.4.3=a,dc=x'],
  ])('%s', (text, canonical) => {
    expect(canonicalDn(text)).toBe(canonical)
  })

  test.each(['', 'ada', 'cn=', 'cn=a,', ',cn=a', 'cn="open,dc=x', 'cn=a\\', 'cn="a"b,dc=x'])('%j is none', (text) => {
    expect(canonicalDn(text)).toBeNull()
  })

  test('is stable, and keeps different values apart', () => {
    const word = fc.string({ minLength: 1, maxLength: 8 })
    fc.assert(fc.property(word, word, (a, b) => {
      const dn = (value: string): string | null => canonicalDn(`cn=${value.replace(/[\\,+;"<>=#\u0000]/g, '\\$&')},dc=x`)
      const [left, right] = [dn(a), dn(b)]
      if (left !== null) expect(canonicalDn(left)).toBe(left)
      const plain = (value: string): string => value.normalize('NFKC').toLowerCase().replace(/ +/g, ' ').trim()
      if (left !== null && right !== null && plain(a) !== plain(b)) expect(left).not.toBe(right)
    }))
  })

  test('a descendant lies below its base, a namesake does not', () => {
    expect(isUnder('uid=a,ou=people,dc=x', 'ou=people,dc=x')).toBe(true)
    expect(isUnder('uid=a,ou=otherpeople,dc=x', 'ou=people,dc=x')).toBe(false)
  })
})
