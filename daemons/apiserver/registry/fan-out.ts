/** Watches that are told in one turn of the event loop. */
const watchesATurn = 128

const waiting: (() => void)[] = []
let scheduled = false

const schedule = (how: (work: () => void) => unknown): void => {
  if (scheduled) return
  scheduled = true
  how(() => {
    scheduled = false
    for (const tell of waiting.splice(0, watchesATurn)) tell()
    if (waiting.length > 0) schedule(setImmediate)
  })
}

/**
 * Calls `tell` soon, after everything that was posted before it. Node sends what is written to HTTP/2 streams when the
 * turn ends: one event that goes to a thousand watches in a single turn would leave the network idle until the last of
 * them is written, and everybody else who asks something waiting.
 */
const post = (tell: () => void): void => {
  waiting.push(tell)
  schedule(queueMicrotask)
}

/** Between who has something to tell and who is told. */
export interface Turns<T> {
  take(item: T): void
  /** Hands on at once what was taken. */
  drain(): void
  drop(): void
}

/** What comes is taken at once and handed on in its order, in turns. */
export const inTurns = <T>(handOn: (item: T) => void): Turns<T> => {
  let taken: T[] = []
  const drain = (): void => {
    const items = taken
    taken = []
    for (const item of items) handOn(item)
  }
  return {
    take: item => {
      if (taken.push(item) === 1) post(drain)
    },
    drain,
    drop: () => {
      taken = []
    },
  }
}
