import { z } from 'zod'
import { namingFilters, type NamingFilter } from '../reports/unknown-names.ts'

/** How an empty answer says that the tables never held what a filter names: a list of RFC 9651, of the filters' names. */
export const unknownHeader = 'grantline-unknown'

/** None where the header is not there. Throws ZodError where it is none of ours. */
export const unknownOf = (header: string | null): NamingFilter[] => (header === null ? [] : z.array(z.enum(namingFilters)).parse(header.split(', ')))
