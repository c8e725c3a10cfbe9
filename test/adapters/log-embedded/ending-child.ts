import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { joinEmbeddedLog, openEmbeddedLog, type SharedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'
import { contractPartitions } from '../../contract/log.ts'

/**
 * Threads that commit for ever: each time `appends` messages, then as many rows, of which the last counts the commits. The process ends by itself in the midst
 * of it. Arguments: the log's directory, how (`exit`, `throw`), and after how many ms.
 */
const appends = 300
const threads = 2

if (isMainThread) {
  const [path = '', how, ms] = process.argv.slice(2)
  const log = await openEmbeddedLog({ path, partitions: contractPartitions, durability: 'process' })
  let ready = 0
  for (let thread = 0; thread < threads; thread++) {
    new Worker(new URL(import.meta.url), { workerData: { log: log.share(), thread } }).once('message', () => {
      if (++ready === threads) setTimeout(end, Number(ms))
    })
  }
  const end = (): void => {
    if (how === 'exit') process.exit(3)
    throw new Error('nobody catches this')
  }
} else {
  setInterval(() => undefined, 60_000) // who waits for ever ends with the process
  void commitForEver(workerData as { log: SharedLog; thread: number })
}

async function commitForEver({ log: shared, thread }: { log: SharedLog; thread: number }): Promise<void> {
  const task = await joinEmbeddedLog(shared).openTask(`writer ${thread}`)
  for (let n = 1; ; n++) {
    const value = Buffer.from(`${n}`)
    await task.commit({
      appends: Array.from({ length: appends }, () => ({ topic: 'facts' as const, partition: thread, key: null, timestamp: n, value })),
      state: new Map(Array.from({ length: appends }, (_, i) => [`row/${String(i).padStart(4, '0')}`, value])),
    })
    if (n === 3) parentPort!.postMessage('ready')
  }
}
