/** A SQL string literal. Used for row data and a table's own structure only: what a caller asks for is bound as a parameter. */
export function literal(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

/** A quoted identifier. Throws for a name that would have to be escaped: none of this project's has to. */
export function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name)) throw new Error(`not a table or column name: ${JSON.stringify(name)}`)
  return `\`${name}\``
}
