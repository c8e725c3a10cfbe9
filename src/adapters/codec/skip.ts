import { isUtf8 } from 'node:buffer'
import avsc, { type Type } from 'avsc'
import { afterLong, readLong } from '../../core/zig-zag.ts'
import { blockAt, holds, isExact, takeLarge } from './longs.ts'
import { saidEnd, sharedOf, wrongSize } from './shared-arrays.ts'

/** Passes over the value that begins at byte `at`; answers where it ends. Throws where reading it would. */
export type Skip = (bytes: Buffer, at: number) => number

/** A varint of fewer bytes is always a safe integer. */
const safeLongBytes = 8

const skips = new WeakMap<object, Skip>()

/** Of a type of strict-types.ts. avsc's own way over a value calls a method of each part, and trusts the sizes of blocks. */
export function skipOf(type: Type): Skip {
  let skip = skips.get(type)
  if (skip === undefined) skips.set(type, (skip = made(type)))
  return skip
}

function made(type: Type): Skip {
  const { types } = avsc
  if (type instanceof types.NullType) return skipNull
  if (type instanceof types.BooleanType) return (_bytes, at) => at + 1
  if (type instanceof types.LongType) return skipLong
  if (type instanceof types.StringType) return skipString
  if (type instanceof types.BytesType) return skipBytes
  if (type instanceof types.EnumType) return enumSkip(type.symbols.length)
  if (type instanceof types.ArrayType) return arraySkip(skipOf(type.itemsType), sharedOf.has(type))
  if (type instanceof types.MapType) return mapSkip(skipOf(type.valuesType as Type))
  if (type instanceof types.UnwrappedUnionType) return unionSkip(type.types.map(skipOf))
  if (type instanceof types.RecordType) return recordSkip(type.fields.map((field) => skipOf(field.type)))
  throw new Error(`no schema of ours has a ${type.typeName}: say here how to pass over it`)
}

const skipNull: Skip = (_bytes, at) => at

export function skipLong(bytes: Buffer, at: number): number {
  let end = at
  while ((bytes[end++] ?? 0) > 0x7f);
  if (end - at >= safeLongBytes && !isExact(readLong(bytes, at))) takeLarge({ buf: bytes, pos: at })
  return end
}

export function skipString(bytes: Buffer, at: number): number {
  const length = readLong(bytes, at)
  const from = afterLong()
  const end = from + length
  if (!holds(bytes.length - from, length)) throw new Error(`a text of ${length} bytes announced, ${bytes.length - from} left`)
  for (let i = from; i < end; i++) {
    if (bytes[i]! < 0x80) continue
    if (!isUtf8(bytes.subarray(from, end))) throw new Error('a string that is not UTF-8')
    break
  }
  return end
}

function skipBytes(bytes: Buffer, at: number): number {
  const length = readLong(bytes, at)
  const from = afterLong()
  if (!holds(bytes.length - from, length)) throw new Error(`${length} bytes announced, ${bytes.length - from} left`)
  return from + length
}

const enumSkip = (symbols: number): Skip => (bytes, at) => {
  const index = readLong(bytes, at)
  if (!(index >= 0 && index < symbols)) throw new Error(`value ${index} of an enum of ${symbols}`)
  return afterLong()
}

const recordSkip = (fields: readonly Skip[]): Skip => (bytes, at) => {
  let end = at
  for (let i = 0; i < fields.length; i++) end = fields[i]!(bytes, end)
  return end
}

const unionSkip = (branches: readonly Skip[]): Skip => (bytes, at) => {
  // as most of what is optional
  if (bytes[at] === 0 && branches[0] === skipNull) return at + 1
  const index = readLong(bytes, at)
  const branch = branches[index]
  if (branch === undefined) throw new Error(`branch ${index} of a union of ${branches.length}`)
  return branch(bytes, afterLong())
}

/** `isShared`: where its one block says its size, that has to be right: whoever reads such an array goes by it. */
const arraySkip = (item: Skip, isShared: boolean): Skip => (bytes, at) => {
  const end = skipBlocks(bytes, at, item)
  const said = isShared ? saidEnd(bytes, at) : null
  if (said !== null && end !== said) throw wrongSize(end, said)
  return end
}

function mapSkip(value: Skip): Skip {
  const entry: Skip = (bytes, at) => value(bytes, skipString(bytes, at))
  return (bytes, at) => skipBlocks(bytes, at, entry)
}

function skipBlocks(bytes: Buffer, at: number, item: Skip): number {
  if (bytes[at] === 0) return at + 1
  let end = at
  for (;;) {
    const count = blockAt(bytes, end)
    end = afterLong()
    if (count === 0) return end
    for (let i = 0; i < count; i++) {
      const next = item(bytes, end)
      // only a stranger's schema has items of no bytes, of which a few bytes announce any number
      if (next === end) break
      end = next
    }
  }
}
