import { ofPage, type AccountPage } from './account-pages.ts'
import { where } from './report.ts'

export interface LogFilters {
  app: string | null
  account: string | null
  identity: string | null
  entitlement: string | null
}

/**
 * Which rows of access_log AS l a question about the past needs: all of an account or none, decided up to {known_at:Int64}. Of a page
 * only the accounts that have a row which is `chosen`, by default one that shows the entitlement that is asked for.
 */
export function logOf({ app, account, identity, entitlement }: LogFilters, page: AccountPage | null, chosen = entitlement === null ? null : shows): string {
  return where([
    [ofPage('l'), page],
    ['toUnixTimestamp64Milli(l.decided) <= {known_at:Int64}', true],
    ['l.app = {app:String}', app],
    ['l.account = {account:String}', account],
    // a page's accounts lie between many others that never held it
    [`l.account IN (SELECT account FROM access_log AS l WHERE ${ofPage('l')} AND ${chosen})`, page === null ? null : chosen],
    // an account's other homes are needed to tell when it came to this one, so an identity selects whole accounts
    ['(l.app, l.account) IN (SELECT app, account FROM access_log WHERE identity = {identity:String})', identity],
  ])
}

/** Which rows name the accounts that ever held an entitlement. */
export const shows = '(has(l.grants.entitlement, {entitlement:String}) OR has(l.grants.native, {entitlement:String}))'

/** A catalogue name `e` or a native one `n`. */
export const grantOf = ({ entitlement }: LogFilters): string | null =>
  entitlement === null ? null : '(e = {entitlement:String} OR n = {entitlement:String})'
