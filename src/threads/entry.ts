import { systemClock } from '../runtime/clock.ts'
import { serveTasks } from './serve.ts'

serveTasks(systemClock)
