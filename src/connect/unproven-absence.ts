import { ConnectError } from '../ports/connector.ts'

/** For a single read that finds no account, nor, asked the same way, any other one as a control: the question itself may be refused or misread. */
export const unprovenAbsence = (place: string): ConnectError =>
  new ConnectError('partial', 'the account was not found, but no other account could be read either, so its absence is not proven', place)
