import type { Pod } from 'kubernetes-types/core/v1.js'
import { finishedAt } from './job-pods.ts'

/** Upstream's: ten seconds after a first failure, twice as long after each further one, at most ten minutes. */
const baseMs = 10_000
const maxMs = 600_000

/** Failures since the last success, and when the last of them was. */
export interface BackoffRecord {
  failures: number
  lastFailureMs: number
}

/** The record with pods that have newly finished; failures before a success are forgotten. */
export const nextBackoff = (
  record: BackoffRecord | undefined,
  { succeeded, failed, nowMs }: { succeeded: readonly Pod[]; failed: readonly Pod[]; nowMs: number },
): BackoffRecord => {
  const lastSuccessMs = Math.max(-Infinity, ...succeeded.map(pod => finishedAt(pod, nowMs)))
  const times = failed.map(pod => finishedAt(pod, nowMs)).filter(time => time > lastSuccessMs)
  const kept = record !== undefined && record.lastFailureMs > lastSuccessMs ? record : undefined
  return {
    failures: (kept?.failures ?? 0) + times.length,
    lastFailureMs: Math.max(kept?.lastFailureMs ?? -Infinity, ...times),
  }
}

/** Milliseconds until a pod may be made again. */
export const backoffLeft = ({ failures, lastFailureMs }: BackoffRecord, nowMs: number): number => {
  if (failures === 0) return 0
  return Math.max(0, lastFailureMs + Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 30)) - nowMs)
}
