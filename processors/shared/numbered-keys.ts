/**
 * `<name>/<number>` of the row that was asked for last: thousands of objects in a row lie in the same one, and a text made anew is hashed
 * anew.
 */
export class NumberedKeys {
  #name = ''
  #number = 0
  #key = '/0'

  of(name: string, number: number): string {
    if (this.#number !== number || this.#name !== name) {
      this.#name = name
      this.#number = number
      this.#key = `${name}/${number}`
    }
    return this.#key
  }
}
