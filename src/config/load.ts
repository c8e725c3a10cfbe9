import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse as parseCsv } from 'csv-parse/sync'
import { LineCounter, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { Config } from '../../schemas/config.ts'
import { decodeText } from '../connect/text.ts'
import { reasonOf } from '../core/reason.ts'
import { ConfigError } from './config-error.ts'
import { nearest } from '../core/nearest.ts'

export interface LoadedConfig extends Config {
  /** where the file is: relative paths in it start there */
  baseDir: string
}

/**
 * Reads, checks and completes the config file; paths come back absolute, catalogue files read in.
 * Throws ConfigError with every fault found, not the first only.
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const file = resolve(path)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ConfigError(`${path}: can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)}); name it with --config FILE`)
  }
  const config = parseConfig(text, path)
  const baseDir = dirname(file)
  const loaded: LoadedConfig = { ...config, baseDir, dataDir: resolve(baseDir, config.dataDir) }
  for (const [name, app] of Object.entries(loaded.apps)) {
    if (app.catalogueFile !== null) Object.assign(app.catalogue, await readCatalogue(resolve(baseDir, app.catalogueFile), name))
  }
  for (const feed of Object.values(loaded.feeds)) if (feed.path !== null) feed.path = resolve(baseDir, feed.path)
  return loaded
}

export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((error) => `${file}:${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`).join('\n'))
  }
  const result = Config.safeParse(plain(document, file) ?? {})
  if (result.success) return result.data
  const faults = result.error.issues.flatMap((issue) => describeIssue(issue).map(({ path, message }) => ({ line: lineOf(document, lines, path), path, message })))
  throw new ConfigError(faults.map(({ line, path, message }) => `${file}:${line}: ${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`).join('\n'))
}

/** Aliases are followed only here, so their faults come without a place. */
function plain(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    throw new ConfigError(`${file}: ${error instanceof Error ? firstLine(error.message) : String(error)}`)
  }
}

interface Fault {
  path: (string | number)[]
  message: string
}

function describeIssue(issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
  const known = knownKeys(path)
  return issue.keys.map((key) => {
    const near = nearest(key, known)
    const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${near}\`?`
    return { path: [...path, key], message: `unknown setting; ${hint}` }
  })
}

/** The property names that the schema allows at a path, to suggest the nearest one. */
function knownKeys(path: readonly (string | number)[]): string[] {
  let at: z.ZodType = Config
  for (const step of path) {
    at = unwrap(at)
    if (at instanceof z.ZodObject) at = (at.shape as Record<string, z.ZodType>)[String(step)] ?? z.never()
    else if (at instanceof z.ZodRecord) at = at.valueType as z.ZodType
    else if (at instanceof z.ZodArray) at = at.element as z.ZodType
  }
  at = unwrap(at)
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

function unwrap(schema: z.ZodType): z.ZodType {
  let at = schema
  while (at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodNullable) at = at.unwrap() as z.ZodType
  return at
}

function lineOf(document: Document.Parsed, lines: LineCounter, path: readonly (string | number)[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent: unknown = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true)
    const key = path[depth - 1]
    const items = (parent as { items?: { key?: { value?: unknown; range?: [number, number, number] } }[] } | null)?.items ?? []
    const found = items.find((item) => item.key?.value === key)?.key?.range
    if (found) return lines.linePos(found[0]).line
  }
  return 1
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text

const CatalogueRow = z.object({ native: z.string().min(1), name: z.string().min(1) })

async function readCatalogue(path: string, app: string): Promise<Record<string, string>> {
  try {
    const rows: unknown = parseCsv(decodeText(await readFile(path), undefined, (reason) => new Error(reason)), { columns: true, bom: true, trim: true, skip_empty_lines: true })
    const names = new Map<string, string>()
    for (const { native, name } of z.array(CatalogueRow).parse(rows)) {
      const other = names.get(native)
      if (other !== undefined && other !== name) throw new Error(`${native} has two names, ${other} and ${name}: leave one`)
      names.set(native, name)
    }
    return Object.fromEntries(names)
  } catch (error) {
    const what = error instanceof z.ZodError ? 'needs the columns native,name with no empty value' : reasonOf(error)
    throw new ConfigError(`apps.${app}.catalogueFile: ${path}: ${what}`)
  }
}
