import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { reach } from '../core/fault.ts'
import type { Guard, Store } from '../ports/store.ts'
import { placeName, SinkFencedError, type Place } from './place.ts'

export interface Claim {
  epoch: number
  /** Rows of messages below this offset have all been inserted, whatever the table holds of them today. */
  floor: number
}

const Newest = z.object({ epoch: z.int(), floor: z.int(), taken: z.int() })
const Contest = z.object({ epoch: z.int(), owners: z.int() })

const where = 'e.topic = {topic:String} AND e.partition = {partition:UInt32}'
/** Two claimants that met try again after up to this long, ms. */
const contestMs = 50

/** A place, and the epoch under which it was claimed. */
export interface Claimed extends Place {
  epoch: number
}

/** Holds for as long as nobody claimed one of these places, each named once, after its epoch. */
export function ownedBy(claims: readonly Claimed[]): Guard {
  const places = claims.map((_, n) => `({guard_topic_${n}:String}, {guard_partition_${n}:UInt32})`)
  const epochs = claims.map((_, n) => `({guard_topic_${n}:String}, {guard_partition_${n}:UInt32}, {guard_epoch_${n}:Int64})`)
  const params: Record<string, string | number> = {}
  claims.forEach(({ topic, partition, epoch }, n) => {
    params[`guard_topic_${n}`] = topic
    params[`guard_partition_${n}`] = partition
    params[`guard_epoch_${n}`] = epoch
  })
  return {
    sql: `SELECT count() FROM (
      SELECT topic, partition, max(epoch) AS newest FROM sink_epochs WHERE (topic, partition) IN (${places.join(', ')}) GROUP BY topic, partition
    ) WHERE (topic, partition, newest) IN (${epochs.join(', ')})`,
    params,
    equals: claims.length,
  }
}

/**
 * Takes the place over, with an epoch above every other, and waits until no insert of an earlier epoch can land any more.
 * `mine` is the epoch that this owner held until now, or null. Throws SinkFencedError where somebody else claimed after it.
 */
export async function claim(store: Store, place: Place, owner: string, mine: number | null, signal: AbortSignal): Promise<Claim> {
  reach('sink.before-claim')
  for (;;) {
    const [newest] = await store.query(
      `SELECT max(e.epoch) AS epoch, max(e.floor) AS floor, countIf(e.epoch > {mine:Int64} AND e.owner != {owner:String}) AS taken
       FROM sink_epochs AS e WHERE ${where}`,
      { ...place, owner, mine: mine ?? 0 },
      Newest,
    )
    if (newest === undefined) throw new Error('an aggregate without GROUP BY answered no row')
    if (mine !== null && newest.taken > 0) throw new SinkFencedError(`another sink claimed ${placeName(place)} after epoch ${mine}`)
    const epoch = newest.epoch + 1
    await store.command(
      `INSERT INTO sink_epochs SELECT {topic:String}, {partition:UInt32}, {epoch:Int64}, {floor:Int64}, {owner:String}, now64(3)`,
      { ...place, epoch, floor: newest.floor, owner },
    )
    if (await isAlone(store, place, epoch)) {
      const hadPredecessor = newest.epoch > 0
      if (hadPredecessor && store.settleMs > 0) await sleep(store.settleMs, undefined, { signal })
      reach('sink.after-claim')
      return { epoch, floor: newest.floor }
    }
    await sleep(Math.random() * contestMs, undefined, { signal })
  }
}

/**
 * Two claimants may have read the same epoch and inserted the same successor. Whoever's row came last sees both, and tries again
 * with a higher one, which ends the other's claim.
 */
async function isAlone(store: Store, place: Place, epoch: number): Promise<boolean> {
  const [contest] = await store.query(
    `SELECT max(e.epoch) AS epoch, uniqExactIf(e.owner, e.epoch = {epoch:Int64}) AS owners FROM sink_epochs AS e WHERE ${where}`,
    { ...place, epoch },
    Contest,
  )
  if (contest !== undefined && contest.epoch > epoch) throw new SinkFencedError(`another sink claimed ${placeName(place)} after epoch ${epoch}`)
  return contest?.owners === 1
}

/** Says that the rows of all messages below `floor` are there. Throws GuardError where the claim is no longer the newest. */
export async function raiseFloor(store: Store, place: Place, owner: string, epoch: number, floor: number): Promise<void> {
  await store.insertRows('sink_epochs', [{ ...place, epoch, floor, owner, at: Date.now() }], ownedBy([{ ...place, epoch }]))
}
