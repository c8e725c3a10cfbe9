import { readFileSync } from 'node:fs'

const [, environment, options] = /^#!\/usr\/bin\/env -S (.*) node (.*)$/m.exec(readFileSync(new URL('../src/cli/bin.ts', import.meta.url), 'utf8'))!

/** What the program's own first line asks of node, and its environment: so is what is measured run. */
export const programFlags: readonly string[] = options!.split(' ')
export const programEnvironment: Readonly<Record<string, string | undefined>> = { ...process.env, ...Object.fromEntries(environment!.split(' ').map((pair) => pair.split('='))) }
