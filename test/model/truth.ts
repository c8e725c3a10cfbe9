import type { Identity } from '../../schemas/wire/intent.ts'
import type { Change, History, Name } from './history.ts'
import { statusOf } from './model.ts'
import { idOf, listOf, nameOfRef, objectsOf, refOf, type IntentObject } from './records.ts'
import { appSettingOf } from './settings.ts'
import type { World, WorldAccount, WorldIdentity } from './world.ts'

interface Told {
  observed: number
  identity: WorldIdentity
}

/**
 * The world as it changes, and what was said of identities: of one that vanished, and of the keys of one that ended, only what
 * was once told can be known.
 */
export class Truth {
  readonly world: World
  /**
   * whether every object that intent ever told of is still there as it was told first, and nothing was revoked on one account: then lapses
   * follow from the end alone (of a person's reasons that ended, only the last is told, and a revocation on an account may have been before it)
   */
  steady = true
  readonly #changedAt = new Map<string, number>()
  readonly #told = new Map<string, Told>()

  constructor({ apps, policy }: History, now: number) {
    this.world = {
      now, policy, identities: [], businessRoles: [], assignments: [], requests: [], decisions: [], links: [],
      apps: Object.fromEntries(Object.entries(apps).map(([name, setting]) => [name, { setting: appSettingOf(setting), accounts: [], definitions: {} }])),
    }
  }

  /** Answers what has changed. An application that is not there has nothing to change. */
  apply(change: Change): Name | null {
    const name = nameOfChange(change)
    if ('app' in name && this.world.apps[name.app] === undefined) return null
    this.#changedAt.set(JSON.stringify(name), this.world.now)
    switch (change.do) {
      case 'put':
      case 'drop': {
        const before = this.object(change.object.of, name.id)
        const rest = objectsOf(this.world, change.object.of).filter((other) => other !== before && idOf(other) !== name.id)
        const after = change.do === 'put' ? [...rest, change.object] : rest
        if (before !== undefined && JSON.stringify(before) !== JSON.stringify(change.object)) this.steady = false
        if (change.object.of === 'decision' && 'value' in change.object && change.object.value.account !== null) this.steady = false
        setObjects(this.world, change.object.of, after)
        break
      }
      case 'put-account':
      case 'drop-account': {
        const app = this.world.apps[change.app]!
        const rest = app.accounts.filter(({ id }) => id !== name.id)
        app.accounts = change.do === 'put-account' ? [...rest, change.value] : rest
        break
      }
      case 'put-definition':
      case 'drop-definition': {
        const app = this.world.apps[change.app]!
        const rest = Object.entries(app.definitions).filter(([other]) => other !== change.name)
        app.definitions = Object.fromEntries(change.do === 'put-definition' ? [...rest, [change.name, change.children]] : rest)
      }
    }
    return name
  }

  /** The change that takes this one back, if it changes anything. */
  inverse(change: Change): Change | null {
    switch (change.do) {
      case 'put':
      case 'drop': {
        const name = nameOfChange(change) as { of: IntentObject['of']; id: string }
        const before = this.object(name.of, name.id)
        if (before !== undefined) return { do: 'put', object: before }
        return change.do === 'put' ? { do: 'drop', object: name } : null
      }
      case 'put-account':
      case 'drop-account': {
        const id = change.do === 'put-account' ? change.value.id : change.id
        const before = this.account(change.app, id)
        if (before !== undefined) return { do: 'put-account', app: change.app, value: before }
        return change.do === 'put-account' ? { do: 'drop-account', app: change.app, id } : null
      }
      case 'put-definition':
      case 'drop-definition': {
        const { app, name } = change
        const before = this.world.apps[app]?.definitions[name]
        if (before !== undefined) return { do: 'put-definition', app, name, children: before }
        return change.do === 'put-definition' ? { do: 'drop-definition', app, name } : null
      }
    }
  }

  object(kind: IntentObject['of'], id: string): IntentObject | undefined {
    return objectsOf(this.world, kind).find((object) => idOf(object) === id)
  }

  account(app: string, id: string): WorldAccount | undefined {
    return this.world.apps[app]?.accounts.find((account) => account.id === id)
  }

  changedAt(name: Name): number {
    return this.#changedAt.get(JSON.stringify(name)) ?? this.world.now
  }

  /** Roles and groups that something refers to and nothing defines. */
  dangling(app: string): string[] {
    const { accounts, definitions } = this.world.apps[app]!
    const refs = [...accounts.flatMap(({ memberships }) => memberships), ...Object.values(definitions).flat()]
    return [...new Set(refs.filter(({ kind }) => kind !== 'entitlement').map(nameOfRef))].filter((name) => definitions[name] === undefined)
  }

  /** A record was published. What is older than what was told before says nothing; a key that is no longer given is released, but the ended keep theirs. */
  tell({ id, observed, removed, status, start, end, continues, attributes, keys }: Identity): void {
    const before = this.#told.get(id)
    if (before !== undefined && observed < before.observed) return
    const given = keys.map(({ space, key, since }) => ({ space, key, since: since ?? 0, until: null }))
    const identity: WorldIdentity = { id, status, start, end, continues, attributes, keys: given }
    if (removed && before !== undefined) {
      this.#told.set(id, { observed, identity: before.identity })
      return
    }
    const others = (before?.identity.keys ?? []).filter(({ space, key }) => !given.some((one) => one.space === space && one.key === key))
    const until = statusOf(identity, this.world.now) === 'ended' ? null : this.world.now
    this.#told.set(id, { observed, identity: { ...identity, keys: [...given, ...others.map((key) => ({ ...key, until: key.until ?? until }))] } })
  }

  /** The end as it can be known. Who is no longer there has ended, with the last that was told. */
  final(): World {
    const there = new Set(this.world.identities.map(({ id }) => id))
    const identities = [...this.#told.values()].map(({ identity }): WorldIdentity => (there.has(identity.id) ? identity : { ...identity, status: 'ended' }))
    return { ...this.world, identities }
  }
}

function nameOfChange(change: Change): Name {
  switch (change.do) {
    case 'put':
      return { of: change.object.of, id: idOf(change.object) }
    case 'drop':
      return change.object
    case 'put-account':
      return { of: 'account', app: change.app, id: change.value.id }
    case 'drop-account':
      return { of: 'account', app: change.app, id: change.id }
    case 'put-definition':
    case 'drop-definition':
      return { of: 'definition', app: change.app, id: nameOfRef(refOf(change.name)) }
  }
}

function setObjects(world: World, kind: IntentObject['of'], objects: readonly IntentObject[]): void {
  Object.assign(world, { [listOf[kind]]: objects.map(({ value }) => value) })
}
