/** Partition keys and homes. An app's name has no slash, so the first one ends it. */
export const accountKey = (app: string, id: string): string => `${app}/${id}`
export const identityHome = (identity: string): string => `identity/${identity}`
/** Of an identity, and not of an account or a source. */
export const isIdentityHome = (home: string): boolean => home.startsWith(ofIdentities)
/** Whose home it is; the home has to be an identity's. */
export const identityOf = (home: string): string => home.slice(ofIdentities.length)
export const accountHome = (app: string, id: string): string => `${accountHomes}${app}/${id}`
export const sourceHome = (source: string): string => `source/${source}`

/** How the homes of accounts begin. */
export const accountHomes = 'account/'

const ofIdentities = identityHome('')
