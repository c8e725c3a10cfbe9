import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** Of text that is read or written piece by piece, as UTF-8. */
export type TextPieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * Text that is whole before any of it is told, compressed meanwhile: a million rows are hundreds of megabytes, and more than one string
 * may hold, but much the same.
 */
export class HeldText implements Iterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = []

  add(text: string): void {
    this.#pieces.push(deflateRawSync(text, { level: 1 }))
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    for (const piece of this.#pieces) yield inflateRawSync(piece)
  }
}

/** For answers that are known to be small. */
export async function wholeText(pieces: TextPieces): Promise<string> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all).toString('utf8')
}
