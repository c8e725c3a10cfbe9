/** Partition keys and homes. An app's name has no slash, so the first one ends it. */
export const accountKey = (app: string, id: string): string => `${app}/${id}`
export const identityHome = (identity: string): string => `identity/${identity}`
export const accountHome = (app: string, id: string): string => `account/${app}/${id}`
export const sourceHome = (source: string): string => `source/${source}`
