import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/runtime/clock.ts'
import { serveTasks } from '../../src/threads/serve.ts'

serveTasks(systemClock, [])
await delay(200)
throw new Error('its memory is gone')
