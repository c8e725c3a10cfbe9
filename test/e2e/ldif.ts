const member = { add: 'grant', delete: 'revoke' } as const

/** What a directory's record of its changes (LDIF, RFC 2849) says of people, in its order. */
export function changesOfPeople(ldif: string): { who: string; what: string }[] {
  return ldif.replaceAll('\n ', '').split('\n\n').flatMap((record) => {
    const who = /^dn: uid=([^,]+)/m.exec(record)?.[1]
    if (who === undefined) {
      return [...record.matchAll(/^(add|delete): member\nmember: uid=([^,]+)/gm)].map(([, kind, uid]) => ({ who: uid!, what: member[kind as keyof typeof member] }))
    }
    if (/^changetype: add$/m.test(record)) return [{ who, what: 'create-account' }]
    const isLock = /^replace: pwdAccountLockedTime\npwdAccountLockedTime:/m.test(record)
    return [{ who, what: isLock ? 'disable-account' : record }]
  })
}
