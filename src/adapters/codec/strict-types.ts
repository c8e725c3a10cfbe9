import { isUtf8 } from 'node:buffer'
import avsc from 'avsc'
import { asciiAt } from '../../core/ascii.ts'
import { compareKeys } from '../../core/order.ts'
import { holds, isExact, takeBlock, takeLarge, writeLarge } from './longs.ts'
import { RecentArrays } from './recent-arrays.ts'
import { SharedArrays, sharedOf } from './shared-arrays.ts'
import { skipLong, skipOf, skipString } from './skip.ts'

/**
 * avsc's types where they would alter a value in silence or trust a length that the bytes can't hold. They replace the methods
 * that avsc calls on each value (`_check`, `_read`, `_skip`, `_write`), which 5.7 keeps stable but does not document: the contract
 * kit fails when a release changes them. No fields here: avsc freezes a type in its constructor.
 */
interface Tap {
  buf: Buffer
  pos: number
  readLong(): number
  readString(): string | undefined
  writeLong(value: number): void
  writeString(text: string): void
  writeBytes(bytes: Buffer): void
}
interface Inner {
  _check(value: unknown, flags: number, hook: Hook | undefined, path: string[] | undefined): boolean
  _read(tap: Tap): unknown
  _write(tap: Tap, value: unknown): void
}
type Hook = (value: unknown, type: unknown) => void
type Schema = Parameters<typeof avsc.Type.forSchema>[0]
type Options = NonNullable<Parameters<typeof avsc.Type.forSchema>[1]>

const REPLACEMENT = '\ufffd'
const MAX_SHORT = 48

/** Every safe integer, where avsc writes some numbers beyond -2^52 as others. */
class StrictLong extends avsc.types.LongType {
  _check(value: unknown, _flags: number, hook?: Hook): boolean {
    const ok = Number.isSafeInteger(value)
    if (!ok && hook) hook(value, this)
    return ok
  }
  _write(tap: Tap, value: unknown): void {
    if (!Number.isSafeInteger(value)) throw new Error('not a safe integer')
    const long = value as number
    if (isExact(long)) tap.writeLong(long)
    else writeLarge(tap, BigInt(long))
  }
  _read(tap: Tap): number {
    const from = tap.pos
    const long = tap.readLong()
    if (isExact(long)) return long
    tap.pos = from
    return takeLarge(tap)
  }
  _skip(tap: Tap): void {
    tap.pos = skipLong(tap.buf, tap.pos)
  }
}

/** Refuses what UTF-8 can't hold (lone surrogates), and bytes that are not UTF-8, where avsc puts replacement characters. */
class StrictString extends avsc.types.StringType {
  _check(value: unknown, _flags: number, hook?: Hook): boolean {
    const ok = typeof value === 'string' && value.isWellFormed()
    if (!ok && hook) hook(value, this)
    return ok
  }
  _write(tap: Tap, value: unknown): void {
    writeString(tap, value)
  }
  _read(tap: Tap): string {
    return readString(tap)
  }
  _skip(tap: Tap): void {
    tap.pos = skipString(tap.buf, tap.pos)
  }
}

class StrictEnum extends avsc.types.EnumType {
  _skip(tap: Tap): void {
    skip(this, tap)
  }
}

/** Takes any Uint8Array and gives a plain one that shares no memory with the message. */
class StrictBytes extends avsc.types.BytesType {
  _check(value: unknown, _flags: number, hook?: Hook): boolean {
    const ok = value instanceof Uint8Array
    if (!ok && hook) hook(value, this)
    return ok
  }
  _write(tap: Tap, value: unknown): void {
    if (!(value instanceof Uint8Array)) throw new Error('not bytes')
    tap.writeBytes(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
  }
  _read(tap: Tap): Uint8Array {
    const length = tap.readLong()
    const from = tap.pos
    if (!holds(tap.buf.length - from, length)) throw new Error(`${length} bytes announced, ${tap.buf.length - from} left`)
    tap.pos += length
    return new Uint8Array(tap.buf.buffer, tap.buf.byteOffset + from, length).slice()
  }
  _skip(tap: Tap): void {
    skip(this, tap)
  }
}

class StrictArray extends avsc.types.ArrayType {
  _write(tap: Tap, value: unknown): void {
    if (!Array.isArray(value)) throw new Error('not an array')
    const items = this.itemsType as unknown as Inner
    if (value.length > 0) tap.writeLong(value.length)
    for (let i = 0; i < value.length; i++) items._write(tap, value[i])
    tap.writeLong(0)
  }
  _read(tap: Tap): unknown[] {
    // avsc calls this on a resolver too, which has its own itemsType
    const items = this.itemsType as unknown as Inner
    const result: unknown[] = []
    for (let n = takeBlock(tap); n > 0; n = takeBlock(tap)) while (n-- > 0) result.push(items._read(tap))
    return result
  }
  _skip(tap: Tap): void {
    skip(this, tap)
  }
}

/**
 * An array that many records have alike. It is written as one block with its size, so that a reader finds its end without reading
 * it, and what was read once is answered again, frozen, for equal bytes. A resolver has no share in it: it reads another schema.
 */
class SharedArray extends StrictArray {
  override _write(tap: Tap, value: unknown): void {
    if (!Array.isArray(value)) throw new Error('not an array')
    sharedOf.get(this)!.write(tap, value, (item) => (this.itemsType as unknown as Inner)._write(tap, item))
  }
  override _read(tap: Tap): unknown[] {
    const shared = sharedOf.get(this)
    return shared === undefined ? super._read(tap) : shared.read(tap, () => super._read(tap))
  }
}

/** An array that comes several times within one record: read once and written once for it. */
class RecentArray extends StrictArray {
  override _write(tap: Tap, value: unknown): void {
    if (!Array.isArray(value)) throw new Error('not an array')
    recentOf.get(this)!.write(tap, value, () => super._write(tap, value))
  }
  override _read(tap: Tap): unknown[] {
    const recent = recentOf.get(this)
    return recent === undefined ? super._read(tap) : recent.read(tap, () => super._read(tap))
  }
}

/** Beside the types, which are frozen. */
const recentOf = new WeakMap<object, RecentArrays>()
const sharedItems = new Set(['Assignment', 'FactGrant', 'AccessGrant', 'EntitlementRef'])
const recentItems = new Set(['Reason'])

/** Writes keys in code point order, so that equal maps give equal bytes. */
class StrictMap extends avsc.types.MapType {
  _check(value: unknown, flags: number, hook?: Hook, path?: string[]): boolean {
    let ok = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (ok) {
      const values = this.valuesType as Inner
      for (const key of Object.keys(value as object)) {
        path?.push(key.isWellFormed() ? key : 'a key')
        if (!key.isWellFormed()) {
          ok = false
          hook?.(key, this)
        }
        if (!values._check((value as Record<string, unknown>)[key], flags, hook, path)) ok = false
        path?.pop()
      }
    } else {
      hook?.(value, this)
    }
    return ok
  }
  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a map')
    const values = this.valuesType as Inner
    const keys = Object.keys(value)
    if (keys.length > 1) keys.sort(compareKeys)
    if (keys.length > 0) {
      tap.writeLong(keys.length)
      for (const key of keys) {
        writeString(tap, key)
        values._write(tap, (value as Record<string, unknown>)[key])
      }
    }
    tap.writeLong(0)
  }
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as Inner
    const result: Record<string, unknown> = {}
    for (let n = takeBlock(tap); n > 0; n = takeBlock(tap)) {
      while (n-- > 0) {
        const key = readString(tap)
        const value = values._read(tap)
        if (key === '__proto__') Object.defineProperty(result, key, { value, enumerable: true, writable: true, configurable: true })
        else result[key] = value
      }
    }
    return result
  }
  _skip(tap: Tap): void {
    skip(this, tap)
  }
}

function skip(type: unknown, tap: Tap): void {
  tap.pos = skipOf(type as avsc.Type)(tap.buf, tap.pos)
}

/**
 * The types of `branches`, in order, sharing one set of names. Records decode to plain objects.
 */
export function strictTypes(branches: readonly Schema[], namespace: string | undefined): avsc.Type[] {
  const registry: Record<string, avsc.Type> = {
    long: new StrictLong(),
    string: new StrictString(),
    bytes: new StrictBytes(),
  }
  const options: Partial<Options> = { registry, omitRecordMethods: true, wrapUnions: 'never', typeHook: containers }
  if (namespace !== undefined) options.namespace = namespace
  const types = branches.map((branch) => avsc.Type.forSchema(branch, options))
  for (const type of Object.values(registry)) {
    if (type instanceof avsc.types.RecordType) (type.recordConstructor as { prototype: object }).prototype = Object.prototype
  }
  return types
}

function containers(schema: Schema, options: Options): avsc.Type | undefined {
  if (typeof schema !== 'object' || !('type' in schema)) return undefined
  if (schema.type === 'array') {
    const items = itemsName(schema)
    if (sharedItems.has(items)) return beside(sharedOf, new SharedArray(schema, options), new SharedArrays())
    if (recentItems.has(items)) return beside(recentOf, new RecentArray(schema, options), new RecentArrays())
    return new StrictArray(schema, options)
  }
  if (schema.type === 'map') return new StrictMap(schema, options)
  if (schema.type === 'enum') return new StrictEnum(schema, options)
  return undefined
}

function beside<T extends object, V>(all: WeakMap<object, V>, type: T, value: V): T {
  all.set(type, value)
  return type
}

/** The bare name of the record type that an array holds; '' where its items are none. */
function itemsName(schema: object): string {
  const { items } = schema as { items: unknown }
  const name = typeof items === 'object' && items !== null && 'name' in items ? items.name : items
  return typeof name === 'string' ? name.slice(name.lastIndexOf('.') + 1) : ''
}

function wellFormed(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw new Error('not a well-formed string')
  return value
}

function writeString(tap: Tap, value: unknown): void {
  if (typeof value !== 'string' || !writeShortAscii(tap, value)) tap.writeString(wellFormed(value))
}

/** Most texts, whose bytes are their characters; false, and nothing moved, for any other and where there is no room. */
function writeShortAscii(tap: Tap, text: string): boolean {
  const { buf, pos } = tap
  const { length } = text
  if (length > MAX_SHORT || pos + 1 + length > buf.length) return false
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return false
    buf[pos + 1 + i] = unit
  }
  // a length of one byte, as a zig-zag varint
  buf[pos] = 2 * length
  tap.pos = pos + 1 + length
  return true
}

function readString(tap: Tap): string {
  const from = tap.pos
  const short = shortAscii(tap)
  if (short !== undefined) return short
  // undefined: the length is beyond the end, which avsc reports once the whole record is read
  const text = tap.readString() ?? ''
  if (!text.includes(REPLACEMENT)) return text
  const end = tap.pos
  tap.pos = from
  const length = tap.readLong()
  tap.pos = end
  if (!isUtf8(tap.buf.subarray(end - length, end))) throw new Error('a string that is not UTF-8')
  return text
}

/** Most names, which need not be made anew; undefined, and nothing moved, for any other text. */
function shortAscii(tap: Tap): string | undefined {
  const { buf, pos } = tap
  // a length of one byte, as a zig-zag varint that is not negative
  const doubled = buf[pos] ?? 1
  const length = doubled >> 1
  if ((doubled & 1) === 1 || length > MAX_SHORT || pos + 1 + length > buf.length) return undefined
  const text = asciiAt(buf, pos + 1, length)
  if (text !== undefined) tap.pos = pos + 1 + length
  return text
}
