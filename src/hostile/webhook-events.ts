import type { Parcel, Scheme } from './webhook-sender.ts'

/** `content`: a delivery says everything of its account. `hints`: it says which account to read again. */
export type Meaning = 'content' | 'hints'

/** An account, as the application says it is from now on. */
export interface Said {
  id: string
  name: string
  active: boolean
  groups: string[]
}

/** What the hostile application delivers. */
export interface HookEvent {
  /** grows by one */
  seq: number
  at: string
  user: Said
}

const users = ['ann', 'a/b', '名前', 'Bob', 'ann', 'bob']
/** So long a receiver has to believe that a number which others overtook still comes, ms. */
const overtakenMs = 60_000

/** Six deliveries about four accounts, whose ids are the same in either case; the third alone tells of its own. */
export const parcelsAt = (nowMs: number): Parcel[] =>
  users.map((id, at) => {
    const event: HookEvent = { seq: at + 1, at: new Date(nowMs + at).toISOString(), user: { id, name: `Name ${at}`, active: at % 2 === 0, groups: [`g${at}`] } }
    return { id: `msg-${at}`, signedAt: nowMs, body: JSON.stringify(event) }
  })

export const eventOf = ({ body }: Parcel): HookEvent => JSON.parse(body) as HookEvent

/** The `webhook` section of an application that takes these deliveries. */
export const hookSettings = (kind: Scheme, meaning: Meaning): Record<string, unknown> => ({
  verify: { kind, secrets: ['env:HOSTILE_HOOK'] }, sequence: 'body.?seq', time: 'body.at', expectEverySeconds: 900,
  ...(meaning === 'hints'
    ? { accounts: 'body.user.id' }
    : {
        whole: true,
        map: [
          { piece: 'account', id: 'row.user.id', display: 'row.user.name', status: 'row.user.active' },
          { piece: 'membership', for: 'row.user.groups', account: 'row.user.id', id: 'item' },
        ],
      }),
})

/** What has to be known in the end, by id without case: the last that was said of each account, whether it arrived or not. */
export const truthOf = (honest: readonly Parcel[]): Map<string, Said> => new Map(honest.map(eventOf).map(({ user }) => [user.id.toLowerCase(), user]))

interface Missed {
  /** what the application said last of them never came */
  accounts: string[]
  /** never came, or after they were given up, while higher ones did */
  numbers: number[]
}

/** What of `honest` can't be known from what was taken (`at`: when, ms), so that somebody has to be told. */
export function missedOf(honest: readonly Parcel[], taken: readonly { parcel: Parcel; at: number }[]): Missed {
  const first = [...new Map([...taken].reverse().map((one) => [one.parcel.id, one])).values()].reverse() // an id counts once
  const told = first.flatMap(({ parcel, at }) => {
    const event = readable(parcel)
    return event === null ? [] : [{ event, at }]
  })
  const users = new Set(told.map(({ event }) => JSON.stringify(event.user)))
  const isGivenUp = (seq: number, at: number): boolean => told.some((other) => other.event.seq > seq && other.at < at - overtakenMs)
  const numbers = new Set(told.filter(({ event, at }) => !isGivenUp(event.seq, at)).map(({ event }) => event.seq))
  const highest = Math.max(0, ...[...numbers].filter(Number.isInteger))
  return {
    accounts: [...truthOf(honest).values()].filter((user) => !users.has(JSON.stringify(user))).map(({ id }) => id),
    numbers: honest.map(eventOf).map(({ seq }) => seq).filter((seq) => seq < highest && !numbers.has(seq)),
  }
}

function readable(parcel: Parcel): HookEvent | null {
  try {
    const event: unknown = eventOf(parcel)
    return typeof event === 'object' ? (event as HookEvent | null) : null
  } catch {
    return null
  }
}
