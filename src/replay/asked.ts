import type { FactHead } from './fact-heads.ts'

/** Whose access is asked about; everybody's where nothing is given. */
export interface Asked {
  app?: string
  account?: string
  /** of the accounts that were at this person's home: there, and wherever else they have been */
  identity?: string
}

export const isAboutAll = ({ app, account, identity }: Asked): boolean => app === undefined && account === undefined && identity === undefined

/** Whether an account has the names that are asked for, whoever it belongs to. */
export const isNamed = ({ app, account }: Pick<FactHead, 'app' | 'account'>, asked: Asked): boolean =>
  (asked.app === undefined || app === asked.app) && (asked.account === undefined || account === asked.account)

export const accountName = ({ app, account }: Pick<FactHead, 'app' | 'account'>): string => JSON.stringify([app, account])
