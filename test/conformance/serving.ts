import { afterAll, beforeAll } from 'vitest'
import { serve, type Served, type ServedSubject } from './subjects.ts'
import { Workbench } from './workbench.ts'

/** An application that is served as long as the work on it lasts. */
export async function withSubject<T>(served: Served, work: (subject: ServedSubject, bench: Workbench) => Promise<T>): Promise<T> {
  const bench = new Workbench()
  const subject = await serve(served)
  try {
    return await work(subject, bench)
  } finally {
    await subject.stop()
    bench.dispose()
  }
}

/** An application that is served for all tests of a describe block, and the kit over it. */
export function kitForAll<K>(served: Served, open: (subject: ServedSubject, bench: Workbench) => K | Promise<K>, close: (kit: K) => void = () => undefined): () => K {
  const bench = new Workbench()
  let opened: { subject: ServedSubject; kit: K } | null = null
  const now = (): { subject: ServedSubject; kit: K } => {
    if (opened === null) throw new Error('it is opened before the first test')
    return opened
  }
  beforeAll(async () => {
    const subject = await serve(served)
    opened = { subject, kit: await open(subject, bench) }
  })
  afterAll(async () => {
    const { subject, kit } = now()
    close(kit)
    await subject.stop()
    bench.dispose()
  })
  return () => now().kit
}
