import { ConnectError } from '../ports/connector.ts'

/**
 * One segment of a path. Throws ConnectError `schema` for what no encoding keeps apart: `.` and `..` are steps in a path however they are
 * written, and with nothing in its place the address is another one, such as that of the whole list.
 */
export function pathSegment(value: string, place: string): string {
  if (value === '' || value === '.' || value === '..') throw new ConnectError('schema', `"${value}" can't stand in an address, which would be that of something else`, place)
  if (!value.isWellFormed()) throw new ConnectError('schema', 'a text that is not well-formed can’t stand in an address', place)
  return encodeURIComponent(value)
}

/**
 * Whether the path holds a step (`.`, `..`, `%2e` and their mixtures), which a URL is read without: it would be another address than the one that
 * was written. `address`: as it was given, before anything parsed it.
 */
export function holdsStep(address: string): boolean {
  // Parsing drops tabs and line ends, cuts what is blank at the end, and takes a backslash for a slash.
  const path = /^[^?#]*/.exec(address.replace(/[\p{Cc} ]/gu, ''))![0]
  return path.split(/[\\/]/).some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))
}
