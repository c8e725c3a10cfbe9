import { z } from 'zod'
import { describeIssues } from '../../src/connect/errors.ts'
import { ConnectError, MappingError } from '../../src/ports/connector.ts'

/** The parts of Keycloak's representations that are read; everything else, a client's secret above all, is dropped where it arrives. */
export const Role = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  composite: z.boolean().default(false),
  clientRole: z.boolean().default(false),
  /** id of the realm or client that the role belongs to */
  containerId: z.string().min(1),
})
export type Role = z.infer<typeof Role>

const attributes = z.record(z.string(), z.array(z.string())).default({})

export const User = z.object({
  id: z.string().min(1),
  username: z.string().min(1),
  enabled: z.boolean(),
  email: z.string().nullish(),
  firstName: z.string().nullish(),
  lastName: z.string().nullish(),
  createdTimestamp: z.int().nullish(),
  attributes,
})
export type User = z.infer<typeof User>

export const Client = z.object({
  id: z.string().min(1),
  clientId: z.string().min(1),
  enabled: z.boolean().default(true),
  serviceAccountsEnabled: z.boolean().default(false),
  clientAuthenticatorType: z.string().min(1).default('client-secret'),
  attributes: z.record(z.string(), z.string().nullable()).default({}),
})
export type Client = z.infer<typeof Client>

export const Group = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  parentId: z.string().nullish(),
  subGroupCount: z.int().min(0).nullish(),
  realmRoles: z.array(z.string()).default([]),
  clientRoles: z.record(z.string(), z.array(z.string())).default({}),
})
export type Group = z.infer<typeof Group>

/** `id`: older versions have none. */
export const AdminEvent = z.object({ id: z.string().nullable().default(null), time: z.int(), operationType: z.string(), resourcePath: z.string().default('') })
export type AdminEvent = z.infer<typeof AdminEvent>

/** Throws ConnectError `schema`: what answered is no Keycloak, or one of another shape. */
export function shaped<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ConnectError('schema', `the answer has another shape: ${describeIssues(parsed.error)}`, place)
}

/** A row of a list in its shape. Throws MappingError with the id, where it has one. */
export function row<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const id = typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' ? value.id : null
  throw new MappingError(`the row has another shape: ${describeIssues(parsed.error)}`, id)
}
