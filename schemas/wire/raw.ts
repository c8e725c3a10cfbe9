import { z } from 'zod'
import {
  AccountKind, AccountStatus, Credential, DefinitionsEnd, DesiredEntry, Epoch, IdentityStatus, LapsedEntry, Part, Position, Revocation,
  RunBegin, RunEnd, Ruling, Setting, Tick, millis, stamp,
} from './common.ts'

/** Key: `<app>/<canonical account id>`. Run marks, definitions, settings, rulings and the key book go to every partition. */

export const Ref = z
  .object({ kind: z.enum(['role', 'group', 'entitlement']).meta({ id: 'RefKind' }), id: z.string() })
  .meta({ id: 'Ref' })
export type Ref = z.infer<typeof Ref>

/** A role, group or entitlement: `children` is what its holder gets. Not whole: only adds. `removed`: it is gone. */
export const Definition = z
  .object({
    type: z.literal('Definition'),
    app: z.string(),
    run: z.int().nullable(),
    observed: stamp,
    valid: millis.nullable(),
    ref: Ref,
    name: z.string().nullable(),
    whole: z.boolean(),
    removed: z.boolean(),
    children: z.array(Ref),
  })
  .meta({ id: 'Definition' })
export type Definition = z.infer<typeof Definition>

/** `values` holds the allow-listed attributes that match rules name; `owner` the owner's key as the application spells it. */
export const AttributesFacet = z
  .object({
    whole: z.boolean(),
    kind: AccountKind,
    status: AccountStatus,
    display: z.string().nullable(),
    created: millis.nullable(),
    lastUsed: millis.nullable(),
    owner: z.string().nullable(),
    values: z.record(z.string(), z.string()),
  })
  .meta({ id: 'AttributesFacet' })
export type AttributesFacet = z.infer<typeof AttributesFacet>

export const Assignment = z.object({ ref: Ref, valid: millis.nullable() }).meta({ id: 'Assignment' })
export type Assignment = z.infer<typeof Assignment>

/** Roles and groups that the account is assigned to directly. Sorted by kind and id. `removed`: positive evidence of removal. */
export const AssignmentsFacet = z
  .object({ whole: z.boolean(), added: z.array(Assignment), removed: z.array(Ref) })
  .meta({ id: 'AssignmentsFacet' })
export type AssignmentsFacet = z.infer<typeof AssignmentsFacet>

export const CredentialsFacet = z
  .object({ whole: z.boolean(), added: z.array(Credential), removed: z.array(z.string()) })
  .meta({ id: 'CredentialsFacet' })
export type CredentialsFacet = z.infer<typeof CredentialsFacet>

/**
 * One observation of one account. A null facet says nothing about that class. `run` is null for change events and single reads.
 * `gone`: a single read answered not-found beside a control that answered found.
 */
export const Account = z
  .object({
    type: z.literal('Account'),
    app: z.string(),
    id: z.string(),
    native: z.string(),
    run: z.int().nullable(),
    observed: stamp,
    valid: millis.nullable(),
    gone: z.boolean(),
    attributes: AttributesFacet.nullable(),
    memberships: AssignmentsFacet.nullable(),
    grants: AssignmentsFacet.nullable(),
    credentials: CredentialsFacet.nullable(),
  })
  .meta({ id: 'Account' })
export type Account = z.infer<typeof Account>

/** A record that was rejected but whose id could be read: it counts as seen, and changes nothing. */
export const Seen = z.object({ type: z.literal('Seen'), app: z.string(), id: z.string(), run: z.int() }).meta({ id: 'Seen' })
export type Seen = z.infer<typeof Seen>

/**
 * We write to this account. What was begun to be read from `observed` on and before `until` may not show it yet, and changes nothing;
 * `seen` is the read that showed it, and is believed. Stamps of the application.
 */
export const Written = z
  .object({ type: z.literal('Written'), app: z.string(), id: z.string(), observed: stamp, until: stamp, seen: Account.nullable() })
  .meta({ id: 'Written' })
export type Written = z.infer<typeof Written>

export const IdentityKey = z
  .object({ space: z.string(), key: z.string(), since: millis, until: millis.nullable() })
  .meta({ id: 'IdentityKey' })
export type IdentityKey = z.infer<typeof IdentityKey>

/**
 * The whole entry of one identity in the key book; a higher revision replaces it. `sources`: what feeds say of the identity, where that is not
 * just the record that is its `cause` (time may be that, or the end of a run); null: it is, or an older release told the entry.
 */
export const KeyBook = z
  .object({
    type: z.literal('KeyBook'),
    identity: z.string(),
    revision: z.int(),
    status: IdentityStatus,
    continues: z.string().nullable(),
    keys: z.array(IdentityKey),
    sources: z.array(Position).nullable(),
    cause: Position,
  })
  .meta({ id: 'KeyBook' })
export type KeyBook = z.infer<typeof KeyBook>

/** Intent partition `writer` has sent the key book of everything that one complete run of `feed` held. */
export const KeysBaseline = z
  .object({ type: z.literal('KeysBaseline'), feed: z.string(), class: z.string(), writer: z.int(), cause: Position })
  .meta({ id: 'KeysBaseline' })
export type KeysBaseline = z.infer<typeof KeysBaseline>

/**
 * What governance says about one account, whole: a facet of that account. `revoked`: what decisions about it ended, also of what its person
 * has; null: nothing.
 */
export const AccountIntent = z
  .object({
    type: z.literal('AccountIntent'),
    app: z.string(),
    id: z.string(),
    link: z.string().nullable(),
    owner: z.string().nullable(),
    entries: z.array(DesiredEntry),
    lapsed: z.array(LapsedEntry),
    revoked: z.array(Revocation).nullable(),
    sources: z.array(Position),
    cause: Position,
  })
  .meta({ id: 'AccountIntent' })
export type AccountIntent = z.infer<typeof AccountIntent>

export const RawRecord = z.discriminatedUnion('type', [
  RunBegin, Definition, DefinitionsEnd, Account, Seen, Written, RunEnd, KeyBook, KeysBaseline, AccountIntent, Setting, Ruling, Tick, Epoch, Part,
])
export type RawRecord = z.infer<typeof RawRecord>
