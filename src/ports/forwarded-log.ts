import type { Log } from './log.ts'

/** A log that does what `log` does, for those that do one thing of it otherwise. */
export const forwardedLog = (log: Log): Log => ({
  id: log.id,
  partitions: log.partitions,
  commitGapMs: log.commitGapMs,
  read: (topic, partition, offset, limits) => log.read(topic, partition, offset, limits),
  end: (topic, partition) => log.end(topic, partition),
  waitFor: (topic, partition, offset, signal) => log.waitFor(topic, partition, offset, signal),
  openTask: (id) => log.openTask(id),
  close: () => log.close(),
})
