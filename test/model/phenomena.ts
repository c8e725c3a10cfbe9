import type { Change, History, Step } from './history.ts'
import { startOfTime } from './player.ts'
import { Truth } from './truth.ts'
import type { WorldAccount, WorldIdentity } from './world.ts'

/** What makes it hard to say whose an account is and what it may: that histories have each of it is tested. */
export const phenomena = [
  'an e-mail changes', 'an e-mail is somebody else’s now', 'an older account has an e-mail that is somebody else’s now',
  'an e-mail has several claimants', 'a person has another name for mail', 'a person comes back', 'a person goes on as another',
  'a person has two accounts in one application', 'a person has accounts in two applications', 'an account is linked', 'an account is linked to somebody of whom nobody tells',
  'a link changes', 'a person’s account has a request of its own', 'a decision speaks against one account of who has it approved', 'a definition changes between pages',
  'an account changes between pages', 'an event comes between pages', 'a run begins within another',
] as const
export type Phenomenon = (typeof phenomena)[number]

/** Those that the world of this history meets, each once; nothing is processed. */
export function phenomenaOf(history: History): Set<Phenomenon> {
  const watcher = new Watcher(history)
  watcher.steps([...history.steps, ...history.tail], null)
  watcher.end()
  return watcher.seen
}

class Watcher {
  readonly seen = new Set<Phenomenon>()
  readonly #truth: Truth
  /** mail key -> who claimed it last */
  readonly #claimed = new Map<string, string>()
  /** mail key that went from one to another -> since when */
  readonly #passed = new Map<string, number>()
  readonly #people = new Set<string>()

  constructor(history: History) {
    this.#truth = new Truth(history, startOfTime)
  }

  /** `source`: what is being read meanwhile. */
  steps(steps: readonly Step[], source: string | null): void {
    for (const step of steps) this.#step(step, source)
  }

  end(): void {
    if (this.#truth.world.links.some(({ identity }) => !this.#people.has(identity))) this.seen.add('an account is linked to somebody of whom nobody tells')
  }

  #step(step: Step, source: string | null): void {
    switch (step.do) {
      case 'run':
        if (source !== null) this.seen.add('a run begins within another')
        this.steps(step.during, step.source)
        return
      case 'flicker':
        this.#within(step.change, source)
        return
      case 'tell':
        if (source !== null) this.seen.add('an event comes between pages')
        return
      case 'wait':
      case 'setting':
      case 'brake':
      case 'rule':
      case 'work':
        return
      default:
        this.#within(step, source)
        this.#change(step)
    }
  }

  #within(change: Change, source: string | null): void {
    if (!('app' in change) || change.app !== source) return
    this.seen.add(change.do.endsWith('definition') ? 'a definition changes between pages' : 'an account changes between pages')
  }

  #change(change: Change): void {
    if (change.do === 'put') {
      const { of, value } = change.object
      if (of === 'identity') this.#person(value)
      if (of === 'link') {
        const known = this.#truth.world.links.find(({ app, account, relation }) => app === value.app && account === value.account && relation === value.relation)
        this.seen.add('an account is linked')
        if (known !== undefined && known.identity !== value.identity) this.seen.add('a link changes')
      }
    }
    this.#truth.apply(change)
    this.#accounts()
    this.#saidOfAccounts()
  }

  #person(next: WorldIdentity): void {
    const before = this.#truth.world.identities.find(({ id }) => id === next.id)
    const mine = mailsOf(next)
    this.#people.add(next.id)
    if (mine.length > 1) this.seen.add('a person has another name for mail')
    if (next.continues !== null && next.continues !== next.id) this.seen.add('a person goes on as another')
    if (before?.status === 'ended' && next.status === 'active') this.seen.add('a person comes back')
    if (before !== undefined && mailsOf(before).join() !== mine.join()) this.seen.add('an e-mail changes')
    for (const mail of mine) {
      const last = this.#claimed.get(mail)
      const holders = this.#truth.world.identities.filter((other) => other.id !== next.id && mailsOf(other).includes(mail))
      if (holders.length > 0) this.seen.add('an e-mail has several claimants')
      else if (last !== undefined && last !== next.id) {
        this.seen.add('an e-mail is somebody else’s now')
        this.#passed.set(mail, next.keys.find(({ space, key }) => space === 'mail' && key === mail)!.since)
      }
      this.#claimed.set(mail, next.id)
    }
  }

  #accounts(): void {
    const { apps, identities } = this.#truth.world
    const isOlder = (account: WorldAccount): boolean => (account.created ?? -Infinity) < (this.#passed.get(mailOf(account)) ?? -Infinity)
    if (Object.values(apps).some(({ accounts }) => accounts.some(isOlder))) this.seen.add('an older account has an e-mail that is somebody else’s now')
    for (const person of identities) {
      const mails = new Set(mailsOf(person))
      const counts = Object.values(apps).map(({ accounts }) => accounts.filter((account) => account.kind === 'human' && mails.has(mailOf(account))).length)
      if (counts.some((count) => count > 1)) this.seen.add('a person has two accounts in one application')
      if (counts.filter((count) => count > 0).length > 1) this.seen.add('a person has accounts in two applications')
    }
  }

  #saidOfAccounts(): void {
    const { apps, identities, requests, decisions } = this.#truth.world
    const holderOf = ({ app, id }: { app: string; id: string }): WorldIdentity | undefined => {
      const mail = mailOf(apps[app]?.accounts.find((account) => account.id === id && account.kind === 'human') ?? { values: {} })
      return identities.find((person) => mailsOf(person).includes(mail))
    }
    if (requests.some(({ account }) => account !== null && holderOf(account) !== undefined)) this.seen.add('a person’s account has a request of its own')
    const speaksAgainst = decisions.some(({ account, app, entitlement, verdict, at }) => {
      const holder = account === null || verdict === 'keep' ? undefined : holderOf(account)
      return holder !== undefined && requests.some((request) => request.identity === holder.id && request.app === app && request.entitlement === entitlement && request.from < at)
    })
    if (speaksAgainst) this.seen.add('a decision speaks against one account of who has it approved')
  }
}

const mailsOf = ({ keys }: WorldIdentity): string[] => keys.filter(({ space }) => space === 'mail').map(({ key }) => key).sort()
const mailOf = ({ values }: Pick<WorldAccount, 'values'>): string => (values['mail'] ?? '').trim().toLowerCase()
