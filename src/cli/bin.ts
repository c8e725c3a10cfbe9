#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=8 --heap-growing-percent=100
import { endWithReader } from './broken-pipe.ts'
import { tooOld } from './node-version.ts'

/**
 * The command. What its first line asks for halves the memory of a process: what a record needs is let go at once (a young generation of
 * 8 MiB), the heap is collected before it has grown to more than twice what is kept, and the C library keeps one pool in place of one for
 * each thread. Where node is called by name (package.json, Dockerfile) it is repeated.
 */

endWithReader()

const reason = tooOld(process.versions.node)
if (reason === null) {
  // an older one can't even load it
  const { main } = await import('./main.ts')
  process.exitCode = await main(process.argv.slice(2))
} else {
  console.error(reason)
  process.exitCode = 2
}
