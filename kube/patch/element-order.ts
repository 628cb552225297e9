/**
 * The order of a merged list: what the patch names comes in the patch's order, what only the server has keeps its own,
 * and the two are interleaved as the server had them. `idOf` gives equal strings for elements that are the same.
 */
export const orderElements = (
  merged: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  idOf: (element: unknown) => string,
): unknown[] => {
  const rankIn = (order: readonly unknown[]): Map<string, number> => {
    const ranks = new Map<string, number>()
    order.forEach((element, index) => {
      const id = idOf(element)
      if (!ranks.has(id)) ranks.set(id, index)
    })
    return ranks
  }
  const patchRank = rankIn(patchOrder)
  const serverRank = rankIn(serverOrder)
  const byRank = (ranks: Map<string, number>) => (a: unknown, b: unknown) =>
    (ranks.get(idOf(a)) ?? Infinity) - (ranks.get(idOf(b)) ?? Infinity) || 0
  const named = merged.filter(element => patchRank.has(idOf(element))).sort(byRank(patchRank))
  const serverOnly = merged.filter(element => !patchRank.has(idOf(element))).sort(byRank(serverRank))
  const result: unknown[] = []
  let i = 0
  for (const element of named) {
    const rank = serverRank.get(idOf(element))
    // An element the server never had says nothing about where it belongs: it goes right behind its predecessor.
    while (rank !== undefined && i < serverOnly.length && (serverRank.get(idOf(serverOnly[i])) ?? Infinity) < rank)
      result.push(serverOnly[i++])
    result.push(element)
  }
  return [...result, ...serverOnly.slice(i)]
}
