import type { ApiError } from '../../../../kube/status.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { AdmissionHost, AdmissionRequest } from '../plugin.ts'
import { rowFor, selectorsMatch } from '../webhook/match-webhook.ts'
import type { NamedRule, PolicyMatch } from './policy.ts'

const named = (rules: readonly NamedRule[], { name }: AdmissionRequest): readonly NamedRule[] =>
  rules.filter(({ resourceNames }) => resourceNames.length === 0 || resourceNames.includes(name))

/**
 * The row through which a policy or binding sees a request; undefined: it is not for it. An ApiError: the request's
 * namespace, whose labels are to be looked at, is not there. Without rules everything matches (a binding may have none).
 */
export const matchingRow = (
  match: PolicyMatch,
  request: AdmissionRequest,
  host: AdmissionHost,
): Kind | undefined | ApiError => {
  const row =
    match.rules.length === 0
      ? request.kind
      : rowFor({ rules: named(match.rules, request), equivalent: match.equivalent }, request, host)
  if (row === undefined) return undefined
  const selected = selectorsMatch(match, request, host)
  if (selected !== true) return selected === false ? undefined : selected
  const excluded = { rules: named(match.excluded, request), equivalent: match.equivalent }
  return rowFor(excluded, request, host) === undefined ? row : undefined
}
