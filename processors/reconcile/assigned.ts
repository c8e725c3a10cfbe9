import type { Ref } from '../../schemas/wire/raw.ts'
import type { AppSetting } from '../../schemas/settings.ts'
import { compareKeys } from '../../src/core/order.ts'

/** Catalogues turned round, kept as long as the parsed setting is. */
const byName = new WeakMap<AppSetting, ReadonlyMap<string, string>>()

/** What an account of the app is assigned to so that it holds the catalogue name; null where the catalogue does not have it. */
export function assignedBy(setting: AppSetting, entitlement: string): Ref | null {
  const { assign = {} } = setting.corrections ?? {}
  const told = Object.hasOwn(assign, entitlement) ? assign[entitlement] : undefined
  if (told !== undefined) return refOf(told)
  const native = nativesOf(setting).get(entitlement) ?? (setting.identityMapping ? entitlement : undefined)
  return native === undefined ? null : { kind: 'entitlement', id: native }
}

/** `kind:id`, as paths and settings write it. */
export function refOf(text: string): Ref {
  const colon = text.indexOf(':')
  return { kind: text.slice(0, colon) as Ref['kind'], id: text.slice(colon + 1) }
}

/** Of several native ids with one name, the first. */
function nativesOf(setting: AppSetting): ReadonlyMap<string, string> {
  let found = byName.get(setting)
  if (found === undefined) {
    const entries = Object.entries(setting.catalogue).sort(([a], [b]) => compareKeys(b, a))
    found = new Map(entries.map(([native, name]) => [name, native]))
    byName.set(setting, found)
  }
  return found
}
