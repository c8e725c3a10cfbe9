import { contractPartitions, logContract } from '../contract/log.ts'
import { MemoryLog, MemoryStorage } from './memory-log.ts'

logContract('memory', () => {
  const storage = new MemoryStorage()
  return Promise.resolve({
    open: () => Promise.resolve(new MemoryLog(contractPartitions, storage)),
    dispose: () => Promise.resolve(),
  })
})
