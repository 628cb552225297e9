import { ApiError, type Status } from '../../../../kube/status.ts'
import { forbid } from '../forbid.ts'
import type { AdmissionHost, AdmissionRequest } from '../plugin.ts'
import { evaluatePolicy, type PolicyResult } from './evaluate-policy.ts'
import { matchingRow } from './match-policy.ts'
import type { Binding, Policy } from './policy.ts'
import { collectParams } from './policy-params.ts'
import { compilePolicy, type PolicyPrograms } from './policy-programs.ts'
import type { PolicyHook } from './policy-table.ts'
import { policyValues } from './policy-values.ts'

interface Denial {
  readonly policy: Policy
  readonly binding: Binding | undefined
  readonly message: string
  readonly reason: string
}

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
}

const annotationBytes = 10 * 1024

/** A policy's table makes a new object for each version of it, so that what is compiled goes when the version does. */
const compiled = new WeakMap<Policy, PolicyPrograms>()

const programsOf = (policy: Policy): PolicyPrograms => {
  const known = compiled.get(policy)
  if (known !== undefined) return known
  const programs = compilePolicy(policy)
  compiled.set(policy, programs)
  return programs
}

/** The first denial, as the client is told it. */
const refusal = (request: AdmissionRequest, { policy, binding, message, reason }: Denial): ApiError => {
  const by = binding === undefined ? '' : ` with binding '${binding.name}'`
  const text = `ValidatingAdmissionPolicy '${policy.name}'${by} denied request: ${message}`
  const { status } = forbid(request, text)
  const named = reason === '' ? 'Invalid' : reason
  const details = { ...status.details, causes: [...(status.details?.causes ?? []), { message: text }] }
  return new ApiError({ ...status, reason: named, code: codes[named] ?? 422, details } as Status)
}

/** Carries out what a binding says is to be done about what its policy found. */
const heed = (
  { policy, binding, request }: { policy: Policy; binding: Binding; request: AdmissionRequest },
  { decisions }: PolicyResult,
): Denial[] =>
  decisions.flatMap(({ action, message, reason }, expressionIndex): Denial[] => {
    if (action === 'admit') return []
    if (binding.actions.includes('Warn'))
      request.warn(
        `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${message}`,
      )
    if (binding.actions.includes('Audit')) {
      const failure = {
        message,
        policy: policy.name,
        binding: binding.name,
        expressionIndex,
        validationActions: binding.actions,
      }
      request.annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure]))
    }
    return binding.actions.includes('Deny') ? [{ policy, binding, message, reason }] : []
  })

/** What several bindings or parameters have to note under one key stands there once each, in their order. */
const publish = (request: AdmissionRequest, policy: Policy, results: readonly PolicyResult[]): void => {
  const byKey = new Map<string, Set<string>>()
  for (const annotation of results.flatMap(({ annotations }) => annotations)) {
    if (annotation.kind !== 'publish') continue
    const values = byKey.get(annotation.key) ?? new Set<string>()
    byKey.set(annotation.key, values.add(Buffer.from(annotation.value).subarray(0, annotationBytes).toString()))
  }
  for (const [key, values] of byKey) request.annotate(`${policy.name}/${key}`, [...values].join(', '))
}

const misconfigured = (policy: Policy, binding: Binding | undefined, why: string): Denial[] => {
  if (policy.ignoresFailure) return []
  const message = `failed to configure ${binding === undefined ? 'policy' : 'binding'}: ${why}`
  return [{ policy, binding, message, reason: '' }]
}

const runHook = ({ policy, bindings }: PolicyHook, request: AdmissionRequest, host: AdmissionHost): Denial[] => {
  const row = matchingRow(policy.match, request, host)
  if (row === undefined) return []
  if (row instanceof ApiError) return misconfigured(policy, undefined, row.message)
  let values: Readonly<Record<string, unknown>> | undefined
  const results: PolicyResult[] = []
  const denials = bindings.flatMap((binding): Denial[] => {
    const bound = binding.match === undefined ? row : matchingRow(binding.match, request, host)
    if (bound === undefined) return []
    if (bound instanceof ApiError) return misconfigured(policy, binding, bound.message)
    let params: ReturnType<typeof collectParams>
    try {
      params = collectParams(policy, binding, { request, host })
    } catch (error) {
      return misconfigured(policy, binding, error instanceof Error ? error.message : String(error))
    }
    return params.flatMap(one => {
      const result = evaluatePolicy(policy, programsOf(policy), {
        ...(values ??= policyValues(request, row, host)),
        params: one,
      })
      results.push(result)
      const failed = result.annotations.flatMap(note =>
        note.kind === 'deny' ? [{ policy, binding, message: note.message, reason: '' }] : [],
      )
      return [...heed({ policy, binding, request }, result), ...failed]
    })
  })
  publish(request, policy, results)
  return denials
}

/** Evaluates every policy that is bound to the request. Throws ApiError: the first refusal, by the policies' names. */
export const dispatchPolicies = (
  hooks: readonly PolicyHook[],
  request: AdmissionRequest,
  host: AdmissionHost,
): void => {
  const [first] = hooks.flatMap(hook => runHook(hook, request, host))
  if (first !== undefined) throw refusal(request, first)
}
