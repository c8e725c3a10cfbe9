import { systemClock } from '../../src/runtime/clock.ts'
import { serveTasks } from '../../src/threads/serve.ts'
import { echo, fragile } from '../support/fixture-processors.ts'

serveTasks(systemClock, [fragile, echo])
