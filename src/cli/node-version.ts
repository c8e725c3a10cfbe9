/** zstd in node:zlib, and what else the program is tested with */
const least = 24

/** What to tell who starts the command with so old a Node (`process.versions.node`), or null: it would only say which export it can't find. */
export function tooOld(version: string): string | null {
  if (Number.parseInt(version, 10) >= least) return null
  return `grantline needs Node ${least} or later, and this is ${version}. Put a newer one first in PATH; in the project's own directory, \`npm run grantline\` uses the one that comes along`
}
