import { errorType } from './error-type.ts'
import { replace } from './replace.ts'
import { untilCoordinated } from './until-coordinated.ts'

/** The requests that go to a coordinator. */
type RequestName = 'initProducerId' | 'addPartitionsToTxn' | 'addOffsetsToTxn' | 'txnOffsetCommit' | 'endTxn'

interface Coordinated {
  groupId: string
  coordinatorType: number
}

type Coordinator = { nodeId: string } & Record<RequestName, (request: object) => Promise<unknown>>

interface Cluster {
  refreshMetadataIfNecessary(): Promise<void>
  findControllerBroker(): Promise<unknown>
  findBroker(node: { nodeId: string }): Promise<Coordinator>
  findGroupCoordinator(of: Coordinated): Promise<Coordinator>
}

interface ManagerOptions {
  cluster: Cluster
}

/**
 * Before each request to a coordinator kafkajs asks who that is: half of the round trips of a transaction. In a copy that is amended here
 * the answer is kept until a request to that coordinator fails. And kafkajs gives a transaction up where it can't be ended yet: the copy
 * asks again. Before anything loads what it replaces.
 */
export function keepCoordinators(require: NodeJS.Require): void {
  replace(require, 'kafkajs/src/producer/eosManager', (make: (options: ManagerOptions) => unknown) => (options: ManagerOptions) =>
    make({ ...options, cluster: keeping(options.cluster) }))
}

/** What a transaction's manager asks of a cluster. */
function keeping(cluster: Cluster): Cluster {
  const kept = new Map<string, string>()
  const find = async (of: Coordinated): Promise<Coordinator> => {
    const name = `${of.coordinatorType}/${of.groupId}`
    const nodeId = kept.get(name)
    const coordinator = nodeId === undefined ? await cluster.findGroupCoordinator(of) : await cluster.findBroker({ nodeId }).catch(() => cluster.findGroupCoordinator(of))
    kept.set(name, coordinator.nodeId)
    return telling(coordinator, () => kept.delete(name))
  }
  return {
    refreshMetadataIfNecessary: () => cluster.refreshMetadataIfNecessary(),
    findControllerBroker: () => cluster.findControllerBroker(),
    findBroker: (node) => cluster.findBroker(node),
    async findGroupCoordinator(of) {
      return { ...(await find(of)), endTxn: (request) => untilCoordinated(async () => (await find(of)).endTxn(request), fencing) }
    },
  }
}

/**
 * What a coordinator answers to the end of a transaction while it fences the producer: it can't begin what follows before the fence is
 * written down (an IllegalStateException there). Once it is, it says that the producer was fenced. A transaction has one end however often
 * that is asked for: the producer begins no other before it has the answer.
 */
const fencing = 'UNKNOWN'

function telling(coordinator: Coordinator, onFailed: () => void): Coordinator {
  const of = (name: RequestName) => async (request: object): Promise<unknown> => {
    try {
      return await coordinator[name](request)
    } catch (error) {
      if (!isBusy(error)) onFailed()
      throw error
    }
  }
  return {
    nodeId: coordinator.nodeId,
    initProducerId: of('initProducerId'), addPartitionsToTxn: of('addPartitionsToTxn'), addOffsetsToTxn: of('addOffsetsToTxn'),
    txnOffsetCommit: of('txnOffsetCommit'), endTxn: of('endTxn'),
  }
}

/** The right one answered: it is still ending the transaction before. */
const isBusy = (error: unknown): boolean => errorType(error) === 'CONCURRENT_TRANSACTIONS'
