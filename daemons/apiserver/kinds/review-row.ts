/** What the rows of reviews have in common: they are asked by creating them, and nothing is stored. */
export const reviewRow = {
  version: 'v1',
  shortNames: [],
  categories: [],
  namespaced: false,
  hasStatus: false,
  subresources: [],
  generationFields: [],
  columns: [],
} as const
