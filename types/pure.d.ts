/** The one global of the host that src/core may use: UTF-8, the same bytes on every platform. */
declare class TextEncoder {
  encode(text: string): Uint8Array
}
