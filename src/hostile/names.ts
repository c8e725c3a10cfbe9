/** How the lists of the admin API are paged. */
export const restStyles = ['offset', 'index', 'page', 'cursor', 'link', 'url', 'key', 'once'] as const
export type RestStyle = (typeof restStyles)[number]

/** The kinds of application that can be served. */
export const dialects = [...restStyles, 'scim-index', 'scim-cursor', 'keycloak'] as const

/** What can be done to a connection. */
export const proxyFaults = ['none', 'reset', 'cut', 'half-open', 'delay'] as const
