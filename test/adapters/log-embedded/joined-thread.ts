import { workerData } from 'node:worker_threads'
import { joinEmbeddedLog, type SharedLog } from '../../../src/adapters/log-embedded/embedded-log.ts'

/** A thread that joins the log of its parent. */
export interface JoinedOrders {
  log: SharedLog
  thread: number
  /** commits of each task, all at once; or an answer in access/1 to each of so many messages of facts/1, of which it hears, or which it looks for all the time */
  does: { commits: number; tasks: string[] } | { echoes: number; looks: boolean }
}

const { log: shared, thread, does } = workerData as JoinedOrders
const log = joinEmbeddedLog(shared)
const append = (topic: 'facts' | 'access', partition: number, text: string) => ({ topic, partition, key: null, timestamp: 1, value: Buffer.from(text) })

// who waits keeps no thread running
const alive = setInterval(() => undefined, 60_000)

async function commitAll(task: string, commits: number): Promise<void> {
  const store = await log.openTask(`${thread}${task}`)
  for (let i = 0; i < commits; i++) {
    const name = `${thread}${task} ${i}`
    await store.commit({ appends: [append('facts', 0, `${name}x`), append('facts', 0, `${name}y`)], state: new Map() })
  }
}

async function echoAll(echoes: number, looks: boolean): Promise<void> {
  const store = await log.openTask(`echo ${thread}`)
  for (let i = 0; i < echoes; i++) {
    if (looks) await lookFor(i)
    else await log.waitFor('facts', 1, i, new AbortController().signal)
    const [message] = await log.read('facts', 1, i, { maxMessages: 1, maxBytes: 1e6 })
    await store.commit({ appends: [append('access', 1, `echo of ${Buffer.from(message!.value).toString()}`)], state: new Map() })
  }
}

/** Within one turn of the loop, in which LMDB's view for reading is in use already. */
async function lookFor(offset: number): Promise<void> {
  await log.read('facts', 1, 0, { maxMessages: 1, maxBytes: 1 })
  while ((await log.end('facts', 1)) <= offset);
}

if ('echoes' in does) await echoAll(does.echoes, does.looks)
else await Promise.all(does.tasks.map((task) => commitAll(task, does.commits)))
await log.close()
clearInterval(alive)
