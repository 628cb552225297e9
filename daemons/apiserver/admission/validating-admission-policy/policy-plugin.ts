import { isExempt } from '../match-rules.ts'
import type { AdmissionHost, AdmissionPlugin, AdmissionRequest } from '../plugin.ts'
import { matchingRow } from './match-policy.ts'
import { type PolicyHook, PolicyTable } from './policy-table.ts'

type Dispatch = (hooks: readonly PolicyHook[], request: AdmissionRequest, host: AdmissionHost) => void

/**
 * Evaluates ValidatingAdmissionPolicies. Without bound policies a request costs one look at an empty list; CEL is
 * loaded with the first request that one matches.
 */
export const validatingAdmissionPolicyPlugin = (): AdmissionPlugin => {
  let attached: { host: AdmissionHost; table: PolicyTable } | undefined
  let dispatch: Dispatch | undefined
  return {
    name: 'ValidatingAdmissionPolicy',
    handles: route => !isExempt(route),
    attach: host => {
      attached = { host, table: new PolicyTable(host.store) }
    },
    validate: request => {
      if (attached === undefined || attached.table.hooks.length === 0) return undefined
      const { host, table } = attached
      const concerned = table.hooks.filter(({ policy }) => matchingRow(policy.match, request, host) !== undefined)
      if (concerned.length === 0) return undefined
      if (dispatch !== undefined) return dispatch(concerned, request, host)
      return import('./dispatch-policies.ts').then(loaded => {
        dispatch = loaded.dispatchPolicies
        dispatch(concerned, request, host)
      })
    },
  }
}
