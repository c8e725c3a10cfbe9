/** Where a record can fail, on its way from the application to the tables. */
export const letterStages = ['read', 'map', 'assemble', 'post', 'normalise', 'entitle', 'runtime', 'sink'] as const
export type LetterStage = (typeof letterStages)[number]
