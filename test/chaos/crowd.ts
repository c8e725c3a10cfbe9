import { expect, it } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLong, sceneMs, type Lab } from './lab.ts'

const turnMs = 3_000
const turns = isLong ? 24 : 4

export function crowd(lab: () => Lab): void {
  it('three processes, of which one after another is killed or restarted, so that all is shared out anew every few seconds', { timeout: sceneMs }, async () => {
    const told = await lab().scene(async (of) => {
      const places = [0, 1, 2].map((place) => of.start(place))
      for (let turn = 0; turn < turns; turn++) {
        await sleep(turnMs)
        const place = turn % places.length
        if (turn % 2 === 0) await places[place]!.kill()
        else await places[place]!.stop()
        places[place] = of.start(place)
      }
    })
    expect(told).toEqual([])
  })
}
