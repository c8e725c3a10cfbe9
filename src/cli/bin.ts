#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=8 --heap-growing-percent=100
import { tooOld } from './node-version.ts'

/**
 * The command. What its first line asks for halves the memory of a process: what a record needs is let go at once (a young generation of
 * 8 MiB), the heap is collected before it has grown to more than twice what is kept, and the C library keeps one pool in place of one for
 * each thread. Where node is called by name (package.json, Dockerfile) it is repeated.
 */

/** as a shell tells of a program that SIGPIPE ended */
const brokenPipe = 141

for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(brokenPipe) // whoever read has seen enough (`| head`), and where the errors went nothing can be said
  })
}

const reason = tooOld(process.versions.node)
if (reason === null) {
  // an older one can't even load it
  const { main } = await import('./main.ts')
  process.exitCode = await main(process.argv.slice(2))
} else {
  console.error(reason)
  process.exitCode = 2
}
