import type { Position } from '../../../schemas/wire/common.ts'
import type { SyncRun } from '../../../schemas/wire/results.ts'
import type { Row } from '../../ports/store.ts'
import { positionColumns } from './position.ts'

export function syncRunRow(record: SyncRun, position: Position): Row {
  const { type: _type, partition, classes, schemaChanges, unknownApps, unresolved, ...same } = record
  const changes = schemaChanges ?? []
  const unknown = unknownApps ?? []
  return {
    ...same,
    ...positionColumns(position),
    run_partition: partition,
    unresolved: unresolved?.count ?? 0,
    unresolved_some: unresolved?.some ?? [],
    // a class was sent to every partition, each with its own count
    partitions: Math.max(0, ...classes.map(({ counts }) => counts.length)),
    'classes.class': classes.map((manifest) => manifest.class),
    'classes.verdict': classes.map(({ verdict }) => verdict),
    'classes.reason': classes.map(({ reason }) => reason),
    'classes.place': classes.map(({ place }) => place),
    'classes.read': classes.map(({ read }) => read),
    'classes.declared': classes.map(({ declared }) => declared),
    'classes.rejected': classes.map(({ rejected }) => rejected),
    'classes.counts': classes.map(({ counts }) => counts),
    'schema_changes.stream': changes.map(({ stream }) => stream),
    'schema_changes.field': changes.map(({ field }) => field),
    'schema_changes.change': changes.map(({ change }) => change),
    'schema_changes.was': changes.map(({ was }) => was),
    'schema_changes.is': changes.map(({ is }) => is),
    'schema_changes.example': changes.map(({ example }) => example),
    'schema_changes.place': changes.map(({ place }) => place),
    'unknown_apps.app': unknown.map(({ app }) => app),
    'unknown_apps.rows': unknown.map(({ rows }) => rows),
    'unknown_apps.near': unknown.map(({ near }) => near),
  }
}
