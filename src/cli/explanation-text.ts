import type { Explanation } from '../http/api.ts'
import { formatPosition, type Step } from '../http/explain.ts'
import { actionLines } from './actions.ts'

/** The walk as an indented tree: each line what a record says, then where it stands. */
export function explanationText({ finding, history, because, actions }: Explanation): string {
  const lines = [
    `${finding.kind} (${finding.severity}, ${finding.state})  ${finding.id}`,
    `  ${finding.detail}`,
    `  first seen ${iso(finding.since)}, decided ${iso(finding.decided)}${finding.observed === null ? '' : `, observed ${iso(finding.observed)}`}${finding.valid === null ? '' : `, valid since ${iso(finding.valid)}`}`,
    '',
    'history',
    ...history.map((change) => `  ${iso(change.decided)}  ${change.change}${change.closedAs === null ? '' : ` (${change.closedAs})`}  ${formatPosition(change.position)}`),
    '',
    'because',
    ...tree(because, '  '),
    ...(actions.length === 0 ? [] : ['', 'what was done about it', ...actionLines(actions, '  ')]),
  ]
  return `${lines.join('\n')}\n`
}

const tree = (steps: readonly Step[], indent: string): string[] =>
  steps.flatMap((step) => [`${indent}${step.says}`, `${indent}  ${step.type} at ${formatPosition(step.position)}`, ...tree(step.because, `${indent}  `)])

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.000Z$/, 'Z')
