/** What one process does of the whole; by default all of it. */
export const roleNames = ['connectors', 'processors', 'sink', 'api'] as const
export type Role = (typeof roleNames)[number]
