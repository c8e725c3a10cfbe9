import { z } from 'zod'
import {
  AccountKind, AccountStatus, Credential, DesiredEntry, Epoch, IdentityStatus, LapsedEntry, Part, Position, Revocation, Ruling, Setting, Tick,
  millis, stamp,
} from './common.ts'

/** Key: home (`identity/<id>` or `account/<app>/<id>`). Baselines, settings and rulings go to every partition. */

/**
 * One entitlement that the account effectively holds. `entitlement` is the catalogue name, or the native id where `mapped` is
 * false. `paths`: shortest path from each direct assignment, as `kind:id` steps; a direct grant adds the empty path.
 * `since`: when grantline first observed it on this account; 0 where the fact tells that beside its grants (`grantsSince`).
 */
export const FactGrant = z
  .object({
    entitlement: z.string(),
    native: z.string(),
    mapped: z.boolean(),
    direct: z.boolean(),
    since: millis,
    valid: millis.nullable(),
    paths: z.array(z.array(z.string())),
  })
  .meta({ id: 'FactGrant' })
export type FactGrant = z.infer<typeof FactGrant>

/**
 * The account as it is now, whole (`native`: its id as the application spells it); replaces the home's previous fact of this account.
 * Grants are sorted by entitlement. `grantsSince`: when each was first observed on this account, one time for all of them or one for each
 * (beside them, since many accounts have the same grants, but not since the same time); null: each grant tells it, as in older releases.
 * `exposed`: the fields that hold what looks like a secret, by name, never what they hold; null: none. `entries`, `lapsed`, `revoked` (null: nothing):
 * what governance says about this account alone. `contestedSince`: since when one of the `candidates` who has the key now and another of them have
 * both claimed it; null: it is not contested, or an older release told it. `sources`: the observations and what governance says of the account;
 * where several identities claimed its key, their entries in the key book too.
 */
export const AccountFact = z
  .object({
    type: z.literal('AccountFact'),
    home: z.string(),
    app: z.string(),
    account: z.string(),
    native: z.string(),
    kind: AccountKind,
    status: AccountStatus,
    display: z.string().nullable(),
    match: z.enum(['linked', 'matched', 'contested', 'none', 'not-a-person']).meta({ id: 'MatchState' }),
    identity: z.string().nullable(),
    candidates: z.array(z.string()),
    owner: z.string().nullable(),
    ownerState: z.enum(['owned', 'none', 'contested', 'not-needed']).meta({ id: 'OwnerState' }),
    created: millis.nullable(),
    lastUsed: millis.nullable(),
    since: millis,
    observed: stamp,
    valid: millis.nullable(),
    whole: z.boolean(),
    unknown: z.array(z.string()),
    grants: z.array(FactGrant),
    grantsSince: z.array(millis).nullable(),
    credentials: z.array(Credential),
    entries: z.array(DesiredEntry),
    lapsed: z.array(LapsedEntry),
    movedFrom: z.string().nullable(),
    exposed: z.array(z.string()).nullable(),
    revoked: z.array(Revocation).nullable(),
    contestedSince: millis.nullable(),
    sources: z.array(Position),
    cause: Position,
  })
  .meta({ id: 'AccountFact' })
export type AccountFact = z.infer<typeof AccountFact>

export const AccountGone = z
  .object({
    type: z.literal('AccountGone'),
    home: z.string(),
    app: z.string(),
    account: z.string(),
    reason: z.enum(['deleted', 'moved', 'retired']).meta({ id: 'GoneReason' }),
    to: z.string().nullable(),
    observed: stamp,
    sources: z.array(Position),
    cause: Position,
  })
  .meta({ id: 'AccountGone' })
export type AccountGone = z.infer<typeof AccountGone>

/** The identity at `home` is accountable for this account, which lives under its own key. `removed`: no longer. */
export const Reference = z
  .object({
    type: z.literal('Reference'),
    home: z.string(),
    app: z.string(),
    account: z.string(),
    kind: AccountKind,
    status: AccountStatus,
    display: z.string().nullable(),
    removed: z.boolean(),
    sources: z.array(Position),
    cause: Position,
  })
  .meta({ id: 'Reference' })
export type Reference = z.infer<typeof Reference>

/**
 * Desired access of one identity, whole. `lapsed` is kept for ever; an ended identity has no entries. `revoked` (null: nothing) ends
 * what is said about the identity's accounts, too: in `entries` it is done. `keys`: its key in each match space now, the first where there are several.
 */
export const Desired = z
  .object({
    type: z.literal('Desired'),
    home: z.string(),
    identity: z.string(),
    status: IdentityStatus,
    display: z.string().nullable(),
    keys: z.record(z.string(), z.string()),
    start: millis.nullable(),
    end: millis.nullable(),
    entries: z.array(DesiredEntry),
    lapsed: z.array(LapsedEntry),
    revoked: z.array(Revocation).nullable(),
    sources: z.array(Position),
    cause: Position,
  })
  .meta({ id: 'Desired' })
export type Desired = z.infer<typeof Desired>

/**
 * Everything that one complete run of `source` held for `class` has been sent before this mark, by writer partition `writer`.
 * `via` is null, or the raw partition that forwarded the key book's mark (`stage: keys`). `at` is the writer's now.
 */
export const Baseline = z
  .object({
    type: z.literal('Baseline'),
    stage: z.enum(['observed', 'desired', 'keys']).meta({ id: 'BaselineStage' }),
    source: z.string(),
    class: z.string(),
    writer: z.int(),
    via: z.int().nullable(),
    at: millis,
    cause: Position,
  })
  .meta({ id: 'Baseline' })
export type Baseline = z.infer<typeof Baseline>

/** Absences of a run that its brake holds: nothing was removed. `held` false: released or no longer true. */
export const Held = z
  .object({
    type: z.literal('Held'),
    home: z.string(),
    source: z.string(),
    run: z.int(),
    class: z.string(),
    writer: z.int(),
    held: z.boolean(),
    absent: z.int(),
    present: z.int(),
    cause: Position,
  })
  .meta({ id: 'Held' })
export type Held = z.infer<typeof Held>

export const FactRecord = z.discriminatedUnion('type', [
  AccountFact, AccountGone, Reference, Desired, Baseline, Held, Setting, Ruling, Tick, Epoch, Part,
])
export type FactRecord = z.infer<typeof FactRecord>
