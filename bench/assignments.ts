export const permissions = 200
export const roles = 100

/** Which roles and which permissions of its own account n has, by their numbers, each once. */
export interface Assignments {
  roles(n: number): number[]
  direct(n: number): number[]
}

/** Of W(n): 200 combinations, which come again and again. */
export const few: Assignments = {
  roles: (n) => distinct([n % roles, (n * 7 + 13) % roles]),
  direct: (n) => distinct([0, 71, 142].map((step) => (n * 3 + step) % permissions)),
}

/** Every account has a combination that hardly another one has: nothing that is kept for others is of use. */
export const own: Assignments = {
  roles: (n) => distinct([1, 2].map((k) => scattered(n, k) % roles)),
  direct: (n) => distinct([3, 4, 5].map((k) => scattered(n, k) % permissions)),
}

const distinct = (numbers: readonly number[]): number[] => [...new Set(numbers)]

/** The same for the same numbers, and without order between them (a finaliser of MurmurHash3). */
function scattered(n: number, k: number): number {
  let hash = Math.imul(n, 8) + k
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
