import { z } from 'zod'

/** How an answer says that there are more rows than its limit, which it names: an integer of RFC 9651. */
export const cutHeader = 'grantline-cut-at'

/** null where the header is not there. Throws ZodError where it is none of ours. */
export const cutOf = (header: string | null): number | null => (header === null ? null : z.coerce.number().int().positive().parse(header))
