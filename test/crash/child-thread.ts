import { z } from 'zod'
import { serveTasks } from '../../src/threads/serve.ts'
import { wallClock } from '../support/one-pass.ts'
import { Fault, Killer, threadOrders } from './faults.ts'

/** A thread of tasks of `child.ts`, with its clock and its fault. */
const Orders = z.strictObject({ offsetMs: z.number(), fault: Fault.nullable(), marker: z.string() })
const { offsetMs, fault, marker } = Orders.parse(JSON.parse(process.env[threadOrders] ?? ''))
new Killer(fault, marker)
serveTasks(wallClock(() => Date.now() + offsetMs))
