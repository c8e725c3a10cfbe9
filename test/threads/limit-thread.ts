import { parentPort } from 'node:worker_threads'
import { getHeapStatistics } from 'node:v8'

/** Tells how large its heap may become, and ends. */
parentPort!.postMessage({ tell: 'trouble', what: String(getHeapStatistics().heap_size_limit) })
