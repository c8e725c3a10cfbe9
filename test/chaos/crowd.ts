import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { fetchKafka, launchKafka, type KafkaCluster } from '../services/kafka.ts'
import { isLong, sceneMs, type Lab } from './lab.ts'

const turnMs = 3_000
const turns = isLong ? 24 : 4
/** A broker that is killed is back, and others lead in its place, before a session or a transaction ends. */
const times = { sessionSeconds: 20, transactionSeconds: 60 }

export function crowd(lab: () => Lab): void {
  it('three processes, of which one after another is killed or restarted, so that all is shared out anew every few seconds', { timeout: sceneMs }, async () => {
    const told = await lab().scene(async (of) => {
      const places = [0, 1, 2].map((place) => of.start(place))
      for (let turn = 0; turn < turns; turn++) {
        await sleep(turnMs)
        const place = turn % places.length
        if (turn % 2 === 0) expect({ ...(await places[place]!.kill()), said: places[place]!.said }).toMatchObject({ signal: 'SIGKILL' })
        else await places[place]!.stop()
        places[place] = of.start(place)
      }
    })
    expect(told).toEqual([])
  })
}

export function threeBrokers(lab: () => Lab): void {
  describe('three brokers', () => {
    let cluster: KafkaCluster
    beforeAll(async () => {
      cluster = await launchKafka(await fetchKafka(), { brokers: 3, heapMb: 384 })
    }, 400_000)
    afterAll(() => cluster.stop())

    it('each is killed and comes back, and one is paused, while two processes work', { timeout: sceneMs }, async () => {
      const told = await lab().scene(async (of) => {
        const workers = [of.start(0), of.start(1)]
        await Promise.all(workers.map((worker) => worker.says(/started/)))
        for (const broker of cluster.own) {
          await broker.kill()
          expect(broker.process.signalCode).toBe('SIGKILL')
          await sleep(turnMs)
          await broker.restart()
          await sleep(turnMs)
        }
        const paused = cluster.own[0]!.process
        paused.kill('SIGSTOP')
        await sleep(2 * turnMs)
        paused.kill('SIGCONT')
        await sleep(turnMs)
        // one that the group's broker took with it for longer than its session has lost what it had
        for (const worker of workers) await worker.stop({ orTakenOver: true })
      }, times, { brokers: cluster.brokers })
      expect(told).toEqual([])
    })
  })
}
