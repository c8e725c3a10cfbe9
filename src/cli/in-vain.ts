import type { UnknownApp } from '../../schemas/wire/results.ts'
import { unknownAppText } from '../connect/feeds/unknown-apps.ts'
import type { Summary } from '../reports/summary.ts'
import { visible } from '../reports/text-width.ts'

/** Of a name as a source has it. */
const shownChars = 80

/** What the newest runs of these sources name in vain; of one that the config file no longer has nothing is told. */
export function inVainLines(sources: Summary['sources'], apps: readonly string[], feeds: readonly string[]): string[] {
  const unknown = sources.filter(({ source }) => feeds.includes(source)).flatMap(({ source, unknownApps }) => unknownApps.map((one) => unknownLine(source, one)))
  const unresolved = sources.filter((one) => one.unresolved > 0 && [...apps, ...feeds].includes(one.source))
  return [
    ...unknown,
    ...(unknown.length === 0 ? [] : ['  such rows are kept and have no effect: mend the name where the feed is made, or add the application to the config file']),
    ...unresolved.map((one) => unresolvedLine(one.source, one.unresolved, one.unresolvedSome)),
  ]
}

export const unknownLine = (feed: string, unknown: UnknownApp): string => visible(`! ${feed}: unknown application: ${unknownAppText(unknown)}`)

const unresolvedLine = (source: string, count: number, some: readonly string[]): string =>
  `! ${source}: ${count === 1 ? '1 name is' : `${count} names are`} nowhere to be found: ${some.map(shown).join(', ')}${count > some.length ? ', …' : ''}; what names them has no effect until they come`

const shown = (name: string): string => visible(name.length > shownChars ? `${name.slice(0, shownChars).toWellFormed()}…` : name)
