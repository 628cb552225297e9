import { createHash } from 'node:crypto'

/**
 * The hand of queues that a flow is dealt: `size` different ones of `queues`, the same for the same flow. Two flows seldom
 * have all of theirs in common, so that one that fills its queues leaves most others a free one (KEP-1040).
 */
export const dealHand = (flow: string, queues: number, size: number): number[] => {
  let entropy = createHash('sha256').update(flow).digest().readBigUInt64BE()
  const hand: number[] = []
  for (let dealt = 0; dealt < Math.min(size, queues); dealt++) {
    const left = BigInt(queues - dealt)
    let card = Number(entropy % left)
    entropy /= left
    // The number counts the cards that are still in the deck.
    for (const taken of [...hand].sort((a, b) => a - b)) if (card >= taken) card++
    hand.push(card)
  }
  return hand
}
