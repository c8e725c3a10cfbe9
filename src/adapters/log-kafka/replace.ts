/** Puts another value in the place of what a module exports: to be called before anything else loads it. */
export function replace<F>(require: NodeJS.Require, id: string, make: (original: F) => F): void {
  const original = require(id) as F
  require.cache[require.resolve(id)]!.exports = make(original)
}
