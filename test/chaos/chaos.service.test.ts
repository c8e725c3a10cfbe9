import { afterAll, beforeAll } from 'vitest'
import { crowd, threeBrokers } from './crowd.ts'
import { kills } from './kills.ts'
import { knownBad } from './known-bad.ts'
import { isLong, Lab, sceneMs } from './lab.ts'
import { network } from './network.ts'
import { outages } from './outages.ts'
import { twins } from './twins.ts'
import { writes } from './writes.ts'
import { zombies } from './zombies.ts'

/**
 * The example on Kafka, a registry and ClickHouse's HTTP interface, in processes, with faults. After each scene one process goes on
 * until all is settled; then each processor run again over its recorded input gives what is recorded, the tables hold what the topics
 * do, each record once, and findings and access are those of an undisturbed run on the embedded log.
 */
let lab: Lab
beforeAll(async () => {
  lab = await Lab.open()
}, sceneMs)
afterAll(() => lab.close())

kills(() => lab)
zombies(() => lab)
twins(() => lab)
writes(() => lab)
crowd(() => lab)
network(() => lab)
outages(() => lab)
// the log's own tests kill brokers too, and three of them make a scene of three minutes
if (isLong) threeBrokers(() => lab)
knownBad(() => lab)
