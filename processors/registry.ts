import type { ProcessorType } from '../src/ports/processor.ts'
import { entitle } from './entitle/entitle.ts'
import { normalise } from './normalise/normalise.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { remediate } from './remediate/remediate.ts'

/** Every processor, in the order of the flow. */
export const processors: readonly ProcessorType[] = [entitle, normalise, reconcile, remediate].map((type) => type as unknown as ProcessorType)
