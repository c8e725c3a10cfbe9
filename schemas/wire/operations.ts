import { z } from 'zod'
import { Ref } from './raw.ts'

/** What an application can be asked to do. `grant` and `revoke` concern one direct assignment: of an account to a role, group or entitlement. */
export const OperationName = z
  .enum(['create-account', 'enable-account', 'disable-account', 'delete-account', 'grant', 'revoke', 'rotate-credential', 'disable-credential'])
  .meta({ id: 'OperationName' })
export type OperationName = z.infer<typeof OperationName>

/**
 * One change of one account, as the application spells its ids. `ref`: of `grant` and `revoke`. `credential`: of the two that concern
 * one. `attributes`: of `create-account`; of `rotate-credential` when the one that is meant was made and ends (`created`, `expires`, ms,
 * where known): one with other dates was rotated since; empty otherwise.
 */
export const Operation = z
  .object({
    name: OperationName,
    account: z.string(),
    ref: Ref.nullable(),
    credential: z.string().nullable(),
    attributes: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Operation' })
export type Operation = z.infer<typeof Operation>
