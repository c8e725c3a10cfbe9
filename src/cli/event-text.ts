import type { ConnectEvent } from '../connect/events.ts'
import { shapeChangeText } from '../connect/shape.ts'
import { unknownLine } from './in-vain.ts'

/** An application that lets us wait shorter than this is worth no line. */
const toldWaitMs = 30_000

/**
 * What a run says of an event of its applications and feeds: one line or a few; null: nothing. `told`: what was said last of a feed's unknown
 * applications, kept here: a feed that is read every half minute says it once.
 */
export function describeEvent(event: ConnectEvent, told: Map<string, string>): string | null {
  switch (event.event) {
    case 'run': {
      const { source, result } = event
      const read = result.classes.map((item) => `${item.read} ${item.class}${item.rejected === 0 ? '' : `, ${item.rejected} of them rejected`}`).join(', ')
      const why = result.reason === null ? '' : `: ${result.reason}${result.place === null ? '' : ` at ${result.place}`}`
      const schema = result.shapeChanges.map((change) => `\n! ${source}: schema of ${shapeChangeText(change)}`).join('')
      const unknown = (result.unknownApps ?? []).map((one) => `\n${unknownLine(source, one)}`).join('')
      const news = told.get(source) === unknown ? '' : unknown
      told.set(source, unknown)
      return `${source}: run ${result.run} ${result.verdict}${why}${read === '' ? '' : ` (${read})`}${schema}${news}`
    }
    case 'reread':
      return `${event.source}: ${event.accounts} accounts read again singly`
    case 'write':
      return `${event.source}: write to ${event.account}: ${event.verdict}${event.reason === null ? '' : `: ${event.reason}`}`
    case 'problem':
      return `! ${event.source}: ${event.doing}: ${event.reason}${event.nextInMs === null ? '' : `; again in ${Math.round(event.nextInMs / 1_000)} s`}`
    case 'wait':
      return event.wait.waitMs < toldWaitMs ? null : `${event.source}: ${event.wait.place}: ${event.wait.reason}; again in ${Math.round(event.wait.waitMs / 1_000)} s`
    case 'request':
    case 'deliveries':
      return null
  }
}
