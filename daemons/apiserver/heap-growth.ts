import { setFlagsFromString } from 'node:v8'

/**
 * How much the heap may grow over what lives in it before it is collected, in percent. V8 itself lets a small heap
 * grow fourfold: under a load of writes, whose requests outlive their first collection while the disk is waited for, it
 * would hold more garbage than objects. Collecting earlier costs some percent of the processor under load, nothing at rest.
 */
const growthPercent = 50

/** Takes effect with the next collection. */
export const boundHeapGrowth = (): void => setFlagsFromString(`--heap-growing-percent=${growthPercent}`)
