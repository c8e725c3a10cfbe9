import { accountHomes, identityHome, isIdentityHome } from '../core/keys.ts'
import { partitionOf } from '../core/partition.ts'
import { accountName, isNamed, type Asked } from './asked.ts'
import type { FactHead } from './fact-heads.ts'
import type { KnownFacts, Knowing } from './known.ts'
import { survey } from './survey.ts'

/** Homes of one partition at which accounts that are asked about ever were, as far as was known. */
export interface Whereabouts {
  known: KnownFacts
  homes: ReadonlySet<string>
  /** of all facts about accounts there are these the smaller part by far */
  areFew: boolean
}

export interface Found {
  /** that are asked about, by `accountName`; null: all that are named so */
  accounts: ReadonlySet<string> | null
  /** of each partition, in their order */
  places: Whereabouts[]
  /** with an account anywhere */
  apps: ReadonlySet<string>
}

/** What is asked about is told of few homes where all others have this many times as many facts: then judging the few may be in vain and costs little. */
const timesAsMany = 7

/** Where the accounts that are asked about have been: nothing that is said of other homes has a part in what they held. */
export async function whereaboutsOf(asked: Asked, facts: Omit<Knowing, 'partition'>): Promise<Found> {
  const { partitions } = facts.log
  const accounts = asked.identity === undefined ? null : new Set<string>()
  if (accounts !== null) {
    const home = identityHome(asked.identity!)
    await survey('accounts', { ...facts, partition: partitionOf(home, partitions.facts) }, (head) => {
      if (isAccountAtHome(head) && head.home === home && isNamed(head, asked)) accounts.add(accountName(head))
    })
  }
  const apps = new Set<string>()
  const places: Whereabouts[] = []
  for (let partition = 0; partition < partitions.facts; partition++) {
    const homes = new Set<string>()
    const counted = { asked: 0, others: 0 }
    const known = await survey('homes', { ...facts, partition }, (head) => {
      if (!isAccountAtHome(head)) return
      apps.add(head.app!)
      const isAsked = isNamed(head, asked) && accounts?.has(accountName(head)) !== false
      counted[isAsked ? 'asked' : 'others']++
      if (isAsked) homes.add(head.home)
    })
    places.push({ known, homes, areFew: counted.asked * timesAsMany <= counted.others })
  }
  return { accounts, places, apps }
}

/** What else is said at a home follows from an account that is there, or is of no account's access. */
const isAccountAtHome = ({ type, home }: FactHead): boolean => type === 'AccountFact' && (isIdentityHome(home) || home.startsWith(accountHomes))
