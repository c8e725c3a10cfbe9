import { readFileSync } from 'node:fs'

/** What the program's own first line asks of node: so is what is measured run. */
export const programFlags: readonly string[] = /^#!.* node (.*)$/m.exec(readFileSync(new URL('../src/cli/bin.ts', import.meta.url), 'utf8'))![1]!.split(' ')
