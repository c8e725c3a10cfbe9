#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=100
import { main } from './main.ts'

/**
 * The command. Its options of V8 halve the memory of a process: what a record needs is let go at once (a young generation of 8 MiB), and
 * the heap is collected before it has grown to more than twice what is kept. Started as a file, it brings them along; where node is
 * called by name (package.json, Dockerfile) they are repeated.
 */
process.exitCode = await main(process.argv.slice(2))
