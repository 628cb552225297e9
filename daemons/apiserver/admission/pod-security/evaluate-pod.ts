import { baselineChecks } from './baseline-checks.ts'
import type { PodPolicy } from './pod-policy.ts'
import { restrictedChecks } from './restricted-checks.ts'
import type { PodLike, SecurityCheck, Violation } from './security-check.ts'

/** The checks of a level: the restricted one is the baseline and more, some of it in a stricter form. */
const checksOf = ({ level, minor }: PodPolicy): SecurityCheck[] => {
  const held = (check: SecurityCheck): boolean => check.since <= minor
  switch (level) {
    case 'privileged':
      return []
    case 'baseline':
      return baselineChecks.filter(held)
    case 'restricted': {
      const stricter = restrictedChecks.filter(held)
      const replaced = new Set(stricter.map(check => check.replaces))
      return [...baselineChecks.filter(check => held(check) && !replaced.has(check.id)), ...stricter]
    }
  }
}

export const violationsOf = (pod: PodLike, policy: PodPolicy): Violation[] =>
  checksOf(policy).flatMap(check => check.run(pod, policy.minor) ?? [])

/** `host namespaces (hostNetwork=true), privileged (container "x" must not …)` */
export const violationText = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ')
