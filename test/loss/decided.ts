import type { Topology } from '../support/topology.ts'

export interface Decided {
  /** in the order of each partition: change, kind, account or person, entitlement */
  findings: string[]
  /** accounts that were taken away */
  gone: string[]
  /** how often a grant was taken from what is held */
  taken: number
}

/** All that was decided so far. */
export async function decided(topology: Topology): Promise<Decided> {
  const findings = await topology.outputs('findings')
  const facts = await topology.outputs('facts')
  const access = await topology.outputs('access')
  return {
    findings: findings.map(({ record }) => `${record.change} ${record.kind} ${record.account ?? record.identity ?? ''} ${record.entitlement ?? ''}`),
    gone: facts.flatMap(({ record }) => (record.type === 'AccountGone' ? [record.account] : [])),
    taken: access.filter(({ record }) => record.type === 'AccessChange' && (record.gone || record.removed.length > 0)).length,
  }
}
