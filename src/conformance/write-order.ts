import type { Operation } from '../../schemas/wire/operations.ts'
import type { World } from '../hostile/world.ts'

/** Something that an application is asked to change, as one command. */
export interface Order {
  name: string
  account: string
  operations: readonly Operation[]
}

const operation = (name: Operation['name'], account: string, group: string | null = null): Operation => ({
  name, account, ref: group === null ? null : { kind: 'group', id: group }, credential: null, attributes: {},
})

const [member, disabled, newcomer] = ['a/b', 'semi;colon,comma', 'new"comer/é']

/** Every kind of change, in a corpus of at least five users; the ids are odd ones. */
export const orders: readonly Order[] = [
  { name: 'create an account', account: newcomer, operations: [operation('create-account', newcomer)] },
  { name: 'enable', account: disabled, operations: [operation('enable-account', disabled)] },
  { name: 'disable', account: member, operations: [operation('disable-account', member)] },
  { name: 'delete an account', account: member, operations: [operation('delete-account', member)] },
  { name: 'grant', account: member, operations: [operation('grant', member, 'g0')] },
  { name: 'revoke', account: member, operations: [operation('revoke', member, 'g1')] },
  { name: 'a leaver', account: member, operations: [operation('disable-account', member), operation('revoke', member, 'g1')] },
  { name: 'a joiner', account: newcomer, operations: [operation('create-account', newcomer), operation('grant', newcomer, 'g0')] },
]

/** Whether it is so, in the application's own tables. */
export function holds(world: World, { name, account, ref }: Operation): boolean {
  const user = world.users.get(account)
  const isMember = ref !== null && world.groups.get(ref.id)?.members.includes(account) === true
  switch (name) {
    case 'create-account':
      return user !== undefined
    case 'delete-account':
      return user === undefined
    case 'enable-account':
      return user?.active === true
    case 'disable-account':
      return user?.active !== true
    case 'grant':
      return isMember
    case 'revoke':
      return !isMember
    default:
      throw new Error(`the hostile application has no ${name}`)
  }
}

/** Somebody else makes it so, or undoes it. */
export function make(world: World, operation: Operation, wanted: boolean): void {
  const { name, account, ref } = operation
  const user = world.users.get(account)
  if (holds(world, operation) === wanted) return
  if (name === 'grant' || name === 'revoke') world.setMember(ref?.id ?? '', account, (name === 'grant') === wanted)
  else if (name === 'create-account' || name === 'delete-account') {
    if ((name === 'create-account') === wanted) world.put({ id: account, name: account, mail: '', kind: 'person', active: true, owner: '', created: '2026-01-01T00:00:00Z', keys: [] })
    else world.remove(account)
  } else if (user !== undefined) world.put({ ...user, active: (name === 'enable-account') === wanted })
}

/** What a request may note as its effect while it carries the operation out. */
export const effectsOf = ({ name, account, ref }: Operation): string[] => {
  switch (name) {
    case 'create-account':
      return [`create ${account}`, `enable ${account}`]
    case 'delete-account':
      return [`disable ${account}`, `delete ${account}`]
    case 'enable-account':
    case 'disable-account':
      return [`${name === 'enable-account' ? 'enable' : 'disable'} ${account}`]
    default:
      return [`${name} ${account} ${ref?.id ?? ''}`]
  }
}
