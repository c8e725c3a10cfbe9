import { z } from 'zod'
import type { Topic } from '../../../schemas/wire/topics.ts'
import { reasonOf } from '../../core/reason.ts'
import type { Owned, Share } from '../../ports/assignment.ts'
import { pause } from '../../runtime/pause.ts'
import { assign, type Claimant } from './assignor.ts'
import type { LogLine } from './client.ts'
import { errorType } from './error-type.ts'
import { MemberAssignment, MemberMetadata, type Broker, type Cluster, type JoinedGroup } from './internals.ts'
import { renew } from './leader.ts'

interface MemberOptions {
  groupId: string
  /** without a heartbeat for so long, the group gives its partitions to others, ms */
  sessionTimeoutMs: number
  /** how long the group waits for its members when it shares out anew, ms */
  rebalanceTimeoutMs: number
  /** topic -> partitions; names as in the log, the group uses them with the prefix */
  partitions: ReadonlyMap<Topic, number>
  prefix: string
  /** how its members work: the brokers let nobody into the group who works otherwise */
  protocol: string
  log: LogLine
}

const firstRetryMs = 100
const longestRetryMs = 5_000
/** These ask for a new beginning in the group, under the same or a new member id; anything else is tried again as it was. */
const rejoin: ReadonlySet<string | undefined> = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'MEMBER_ID_REQUIRED'])
const fatal: ReadonlySet<string | undefined> = new Set(['INCONSISTENT_GROUP_PROTOCOL', 'GROUP_AUTHORIZATION_FAILED', 'INVALID_SESSION_TIMEOUT', 'INVALID_GROUP_ID'])

const Claim = z.object({ generation: z.int(), owned: z.record(z.string(), z.array(z.int())) })

/**
 * One process's place in a consumer group: it is given partitions and sends heartbeats, but reads nothing through the group. Work
 * on a partition, however long, never holds the heartbeats up; and reading goes on while the group shares out anew.
 */
export class Member implements Share {
  readonly graceMs: number
  readonly #cluster: Cluster
  readonly #options: MemberOptions
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>
  #memberId = ''
  /** of the group, with the assignment that `#owned` has: the group may begin to count anew, we may not */
  #groupGeneration = -1
  #owned: Owned = { generation: -1, partitions: new Map() }
  /** performance.now(), of the first refusal since it was a member, because others work otherwise */
  #refusedSinceMs: number | null = null
  #failure: Error | null = null
  #waiting: (() => void)[] = []

  /** Resolves with the first assignment. */
  static async join(cluster: Cluster, options: MemberOptions): Promise<Member> {
    const member = new Member(cluster, options)
    await member.next(-1)
    return member
  }

  private constructor(cluster: Cluster, options: MemberOptions) {
    this.#cluster = cluster
    this.#options = options
    this.graceMs = options.sessionTimeoutMs + options.rebalanceTimeoutMs
    this.#ended = this.#run()
  }

  get owned(): Owned {
    return this.#owned
  }

  async next(generation: number): Promise<Owned> {
    while (this.#owned.generation <= generation) {
      if (this.#failure !== null) throw this.#failure
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return this.#owned
  }

  async leave(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
    await this.#cluster.disconnect()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    try {
      for (let failures = 0; !isAborted(signal); ) {
        try {
          const coordinator = await this.#cluster.findGroupCoordinator({ groupId: this.#options.groupId })
          const generation = await this.#join(coordinator)
          failures = 0
          await this.#beat(coordinator, generation, signal)
        } catch (error) {
          const type = errorType(error)
          if (fatal.has(type) && !this.#waitsForOthers()) throw error
          if (type === 'UNKNOWN_MEMBER_ID') this.#lose()
          if (rejoin.has(type)) continue
          failures++
          this.#options.log('info', `group ${this.#options.groupId}: ${reasonOf(error)}; tries again`, {})
          await pause(Math.min(longestRetryMs, firstRetryMs * 2 ** failures), signal)
          await renew(this.#cluster, error)
        }
      }
      await this.#goodbye()
    } catch (error) {
      const reason = reasonOf(error)
      this.#failure = new Error(`this process is no longer a member of the group ${this.#options.groupId}: ${reason}. Start it again`, { cause: error })
      this.#wake()
    }
  }

  /** Those that were killed are members until their session ends: who is there after that is there to stay. */
  #waitsForOthers(): boolean {
    return this.#refusedSinceMs !== null && performance.now() - this.#refusedSinceMs <= this.graceMs
  }

  async #refusal(coordinator: Broker, cause: unknown): Promise<unknown> {
    if (errorType(cause) !== 'INCONSISTENT_GROUP_PROTOCOL') return cause
    this.#refusedSinceMs ??= performance.now()
    const { groupId, protocol } = this.#options
    const { groups } = await coordinator.describeGroups({ groupIds: [groupId] })
    // the brokers name none while the group shares out
    const others = groups[0]?.protocol || 'another release does'
    return new Error(`its members work as ${others}, this process as ${protocol}. Stop all processes of the other release`, { cause })
  }

  async #join(coordinator: Broker): Promise<number> {
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs, partitions, prefix, protocol } = this.#options
    const claim = { generation: this.#groupGeneration, owned: Object.fromEntries([...this.#owned.partitions].map(([topic, own]) => [`${prefix}${topic}`, own])) }
    const topics = [...partitions.keys()].map((topic) => `${prefix}${topic}`)
    const request = {
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      memberId: this.#memberId,
      groupProtocols: [{ name: protocol, metadata: MemberMetadata.encode({ version: 1, topics, userData: Buffer.from(JSON.stringify(claim)) }) }],
    }
    const joined = await coordinator.joinGroup(request).catch(async (error: unknown) => {
      throw await this.#refusal(coordinator, error)
    })
    const { generationId, memberId } = joined
    this.#memberId = memberId
    this.#refusedSinceMs = null
    const groupAssignment = memberId === joined.leaderId ? this.#assignment(joined) : []
    const { memberAssignment } = await coordinator.syncGroup({ groupId, generationId, memberId, groupAssignment })
    const given = MemberAssignment.decode(memberAssignment)?.assignment ?? {}
    this.#groupGeneration = generationId
    this.#own((topic) => given[`${prefix}${topic}`] ?? [])
    return generationId
  }

  /** The group has forgotten this process, and others may have had its partitions meanwhile: what it is given next is begun anew. */
  #lose(): void {
    this.#memberId = ''
    this.#own(() => [])
  }

  #own(partitionsOf: (topic: Topic) => readonly number[]): void {
    const partitions = new Map([...this.#options.partitions.keys()].map((topic) => [topic, partitionsOf(topic)]))
    this.#owned = { generation: this.#owned.generation + 1, partitions }
    this.#wake()
  }

  #assignment({ members }: JoinedGroup): { memberId: string; memberAssignment: Buffer }[] {
    const { partitions, prefix } = this.#options
    const counts = new Map([...partitions].map(([topic, count]) => [`${prefix}${topic}`, count]))
    const shares = assign(members.map(({ memberId, memberMetadata }) => claimant(memberId, memberMetadata)), counts)
    return [...shares].map(([memberId, share]) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({ version: 1, assignment: Object.fromEntries(share), userData: Buffer.alloc(0) }),
    }))
  }

  async #beat(coordinator: Broker, groupGenerationId: number, signal: AbortSignal): Promise<void> {
    const { groupId, sessionTimeoutMs } = this.#options
    for (;;) {
      await pause(Math.min(3_000, sessionTimeoutMs / 6), signal)
      if (isAborted(signal)) return
      await coordinator.heartbeat({ groupId, groupGenerationId, memberId: this.#memberId })
    }
  }

  /** The others need not wait for the session to time out. */
  async #goodbye(): Promise<void> {
    if (this.#memberId === '') return
    const { groupId } = this.#options
    try {
      await (await this.#cluster.findGroupCoordinator({ groupId })).leaveGroup({ groupId, memberId: this.#memberId })
    } catch {
      // then they wait
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** As a call: the flag may turn while something is awaited. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted

function claimant(id: string, metadata: Buffer): Claimant {
  try {
    const { generation, owned } = Claim.parse(JSON.parse(MemberMetadata.decode(metadata).userData.toString()))
    return { id, generation, owned: new Map(Object.entries(owned)) }
  } catch {
    return { id, generation: -1, owned: new Map() }
  }
}
