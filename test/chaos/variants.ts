import { openDataDirectory } from '../../src/compose.ts'

/**
 * The product with one of its promises broken, so that the checker is seen to notice. Each calls `between` where a signal makes the
 * difference.
 */
type Variant = (between: () => void) => Promise<typeof openDataDirectory>

export const variants = {
  none: async (_between: () => void) => openDataDirectory,
} satisfies Record<string, Variant>
export type VariantName = keyof typeof variants
export const variantNames = Object.keys(variants) as VariantName[]
