import type { Container, Probe } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, nonNegative, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { portNameErrors, portNumberErrors } from './name-syntax.ts'

type Handler = Pick<Draft<Probe>, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & {
  sleep?: { seconds?: number | undefined } | undefined
}

const schemes = ['HTTP', 'HTTPS']

const validatePortRef = (port: number | string | undefined, path: string): FieldError[] =>
  typeof port === 'string'
    ? invalidEach(path, port, portNameErrors(port))
    : invalidEach(path, port ?? 0, portNumberErrors(port ?? 0))

/** Exactly one way to act. */
const validateHandler = (handler: Handler, path: string, graceSeconds?: number): FieldError[] => {
  const errors: FieldError[] = []
  let count = 0
  const add = (name: string, check: () => FieldError[]): void => {
    if (count > 0) errors.push(forbidden(`${path}.${name}`, 'may not specify more than 1 handler type'))
    else errors.push(...check())
    count++
  }
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  if (exec) add('exec', () => (exec.command?.length ? [] : [required(`${path}.exec.command`)]))
  if (httpGet)
    add('httpGet', () => {
      const found = validatePortRef(httpGet.port, `${path}.httpGet.port`)
      if (!httpGet.path) found.unshift(required(`${path}.httpGet.path`))
      if (!schemes.includes(httpGet.scheme ?? ''))
        found.push(notSupported(`${path}.httpGet.scheme`, httpGet.scheme, schemes))
      // Upstream names the list here, not the header.
      for (const { name = '' } of httpGet.httpHeaders ?? [])
        if (!/^[-A-Za-z0-9]+$/.test(name))
          found.push(
            invalid(
              `${path}.httpGet.httpHeaders`,
              name,
              "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
            ),
          )
      return found
    })
  if (tcpSocket) add('tcpSocket', () => validatePortRef(tcpSocket.port, `${path}.tcpSocket.port`))
  if (grpc) add('grpc', () => validatePortRef(grpc.port, `${path}.grpc.port`))
  if (sleep)
    add('sleep', () => {
      const { seconds = 0 } = sleep
      return graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds)
        ? [
            invalid(
              `${path}.sleep`,
              seconds,
              `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`,
            ),
          ]
        : []
    })
  if (count === 0) errors.push(required(path, 'must specify a handler type'))
  return errors
}

const validateProbe = (probe: Draft<Probe> | undefined, path: string, onceIsEnough: boolean): FieldError[] => {
  if (!probe) return []
  const errors = validateHandler(probe, path)
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const)
    errors.push(...nonNegative(`${path}.${field}`, probe[field]))
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace !== null && grace <= 0)
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  if (onceIsEnough && probe.successThreshold !== 1)
    errors.push(invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1'))
  return errors
}

/** `graceSeconds`: what the pod has to end in, and a sleep before that must fit. */
export const validateProbes = (
  container: Draft<Container>,
  path: string,
  graceSeconds: number | undefined,
): FieldError[] => {
  const errors: FieldError[] = []
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container
  if (lifecycle?.postStart)
    errors.push(...validateHandler(lifecycle.postStart, `${path}.lifecycle.postStart`, graceSeconds))
  if (lifecycle?.preStop) errors.push(...validateHandler(lifecycle.preStop, `${path}.lifecycle.preStop`, graceSeconds))
  errors.push(...validateProbe(livenessProbe, `${path}.livenessProbe`, true))
  errors.push(...validateProbe(readinessProbe, `${path}.readinessProbe`, false))
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined)
    errors.push(
      invalid(
        `${path}.readinessProbe.terminationGracePeriodSeconds`,
        readinessProbe.terminationGracePeriodSeconds,
        'must not be set for readinessProbes',
      ),
    )
  errors.push(...validateProbe(startupProbe, `${path}.startupProbe`, true))
  return errors
}
