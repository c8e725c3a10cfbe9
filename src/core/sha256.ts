import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** SHA-256 (FIPS 180-4) of a text in UTF-8, hex; what is half a pair of surrogates counts as U+FFFD. */
export type Sha256 = (text: string) => string

/** In JavaScript: the core knows no engine. */
export const plainSha256: Sha256 = (text) => bytesToHex(sha256(utf8ToBytes(text)))

let chosen = plainSha256

/** From now on `sha256Of` is this one, which has to say the same of every text. */
export function useSha256(of: Sha256): void {
  chosen = of
}

export const sha256Of: Sha256 = (text) => chosen(text)
