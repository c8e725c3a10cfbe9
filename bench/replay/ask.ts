import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reconcile } from '../../processors/reconcile/reconcile.ts'
import { createFileCodec } from '../../src/adapters/codec/avro-codec.ts'
import { openLog } from '../../src/data-directory.ts'
import { replayUntil } from '../../src/replay/replay.ts'
import { anonymousMb } from '../machine.ts'
import { nowMs } from '../workload.ts'
import { partitionCount, type Answered, type Question } from './question.ts'

/** `node bench/replay/ask.ts LOG QUESTION`: one question in a process of its own, so that nothing is left over from the one before. */
const [logPath, question] = process.argv.slice(2)
const asked = JSON.parse(question!) as Question
const scratchPath = mkdtempSync(join(tmpdir(), 'grantline-bench-scratch-'))
const log = await openLog(logPath!, partitionCount, 'process')
const scratch = await openLog(scratchPath, partitionCount, 'process')
let peakMb = 0
const watch = setInterval(() => (peakMb = Math.max(peakMb, anonymousMb())), 20)
try {
  const began = performance.now()
  const cpu = process.cpuUsage()
  const { access, changes } = await replayUntil({ log, codec: createFileCodec(log.schemas), judge: reconcile, scratch, untilMs: nowMs, ...asked })
  const { user, system } = process.cpuUsage(cpu)
  const answered: Answered = {
    seconds: (performance.now() - began) / 1_000, cpuSeconds: (user + system) / 1e6, memoryMb: Math.max(peakMb, anonymousMb()), changes, grants: access.length,
  }
  console.log(JSON.stringify(answered))
} finally {
  clearInterval(watch)
  await scratch.close()
  await log.close()
  rmSync(scratchPath, { recursive: true, force: true })
}
