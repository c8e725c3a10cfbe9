import type { Grantline } from '../../src/compose.ts'
import { actionsOf, dayMs, type SystemsCompany } from './company.ts'
import type { App, Held } from './systems.ts'

export const reading: Held = {
  postgres: { login: true, roles: ['readers'] }, keycloak: { enabled: true, roles: ['clerk'] }, openldap: { locked: false, groups: ['readers'] },
}
export const writing: Held = {
  postgres: { login: true, roles: ['readers', 'writers'] }, keycloak: { enabled: true, roles: ['clerk', 'writer'] }, openldap: { locked: false, groups: ['readers', 'writers'] },
}
export const nothing: Held = {
  postgres: { login: false, roles: [] }, keycloak: { enabled: false, roles: [] }, openldap: { locked: true, groups: [] },
}

/** A pass of a story: what happens before it, and what is so after it. */
interface Chapter {
  begin(company: SystemsCompany, who: string): void | Promise<void>
  held: Held
  /** every change that was ever made to the person in each application, in order */
  made: Readonly<Record<App, string>>
  /** the states that the person's action came through in each application, by the kind of its finding */
  actions: Readonly<Record<string, string>>
  /** the kind of the finding that is open in each application */
  open: string | null
  /** what somebody decides then, before grantline ends */
  decide?(grantline: Grantline, who: string): Promise<void>
}

/** Of one person. From one chapter to the next three days pass. */
export interface Story {
  name: string
  /** what its people are called, but for their number */
  initial: string
  chapters: readonly Chapter[]
}

const everywhere = (what: string): Record<App, string> => ({ postgres: what, keycloak: what, openldap: what })
const corrected = 'approved dispatched applied verified'

const leaver: Story = {
  name: 'a leaver in the HR feed', initial: 'l',
  chapters: [{
    begin: (company, who) => company.ends(who),
    held: nothing, made: { ...everywhere('disable-account revoke'), keycloak: 'UPDATE USER revoke' }, actions: { 'leaver-access': corrected }, open: null,
  }],
}

const request: Story = {
  name: 'an approved request that ends', initial: 'r',
  chapters: [
    {
      begin: (company, who) => company.request(who, company.nowMs + 2 * dayMs),
      held: writing, made: everywhere('grant'), actions: { 'missing-grant': corrected }, open: null,
    },
    { begin: () => undefined, held: reading, made: everywhere('grant revoke'), actions: { 'expired-grant': corrected, 'missing-grant': corrected }, open: null },
  ],
}

const byHand: Story = {
  name: 'a grant made by hand', initial: 'h',
  chapters: [
    {
      begin: (company, who) => company.systems.grantByHand(who),
      held: writing, made: everywhere('grant'), actions: { 'unauthorised-grant': 'proposed' }, open: 'unauthorised-grant',
      async decide(grantline, who) {
        const ids = (await actionsOf(grantline, { state: 'proposed', identity: who })).map(({ id }) => id)
        await grantline.api.decideActions({ decision: 'approve', ids, by: 'A. Kaya', why: 'nobody asked for it' })
      },
    },
    { begin: () => undefined, held: reading, made: everywhere('grant revoke'), actions: { 'unauthorised-grant': `proposed ${corrected}` }, open: null },
  ],
}

export const stories: readonly Story[] = [leaver, request, byHand]

