export type { Clock } from '../kube/clock.ts'
/** The machine's clock. */
export { timerClock as systemClock } from '../kube/client/timer-clock.ts'
