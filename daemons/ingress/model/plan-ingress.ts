import type { HTTPIngressPath, Ingress, IngressBackend } from 'kubernetes-types/networking/v1.js'
import { objectKey } from '../../../kube/object.ts'
import { readAnnotations } from './annotations.ts'
import { readBackend, type BackendSource } from './backends.ts'
import type { IngressProblem, Location, LocationSettings, Route, Upstream } from './ingress-config.ts'
import { readHost, readPath } from './paths.ts'

/** One Ingress, read: what it asks of each host. */
export interface IngressPlan {
  ingress: string
  rules: readonly { host: string; locations: readonly Location[] }[]
  /** Host to the Secret its certificate comes from. */
  certificates: ReadonlyMap<string, string>
  defaultBackend: Route | undefined
  upstreams: readonly Upstream[]
  problems: readonly IngressProblem[]
}

class Reader {
  readonly ingress: Ingress
  readonly key: string
  readonly source: BackendSource
  readonly upstreams: Upstream[] = []
  readonly problems: IngressProblem[] = []
  constructor(ingress: Ingress, source: BackendSource) {
    this.ingress = ingress
    this.key = objectKey(ingress)
    this.source = source
  }

  problem(field: string, message: string, rejects: boolean): void {
    this.problems.push({ ingress: this.key, field, message, rejects })
  }

  route(backend: IngressBackend, settings: LocationSettings, field: string): Route {
    const reading = readBackend(this.ingress.metadata?.namespace ?? '', backend, this.source)
    if ('wrong' in reading) {
      this.problem(field, reading.wrong, false)
      return { ...settings, ingress: this.key, upstream: undefined }
    }
    if (reading.upstream.servers.length === 0) return { ...settings, ingress: this.key, upstream: undefined }
    this.upstreams.push(reading.upstream)
    return { ...settings, ingress: this.key, upstream: reading.upstream.name }
  }

  location(row: HTTPIngressPath, settings: LocationSettings, field: string): Location[] {
    const regex = settings.useRegex || /\$[1-9]/.test(settings.rewriteTarget ?? '')
    const path = readPath(row.path, row.pathType, regex)
    if ('wrong' in path) {
      this.problem(`${field}.path`, `${JSON.stringify(row.path)} ${path.wrong}`, true)
      return []
    }
    return [{ ...path, route: this.route(row.backend, settings, `${field}.backend`) }]
  }
}

/** Reads one Ingress. Pure; what is wrong is named by its field, never thrown. */
export const planIngress = (ingress: Ingress, source: BackendSource): IngressPlan => {
  const reader = new Reader(ingress, source)
  const { settings, problems } = readAnnotations(reader.key, ingress.metadata?.annotations ?? {})
  reader.problems.push(...problems)
  const rules = (ingress.spec?.rules ?? []).flatMap((rule, i) => {
    const field = `spec.rules[${i}]`
    const host = readHost(rule.host)
    if (host === undefined) {
      reader.problem(`${field}.host`, `${JSON.stringify(rule.host)} is not a DNS name`, true)
      return []
    }
    const paths = rule.http?.paths ?? []
    return [{ host, locations: paths.flatMap((row, j) => reader.location(row, settings, `${field}.http.paths[${j}]`)) }]
  })
  const certificates = new Map<string, string>()
  for (const [i, row] of (ingress.spec?.tls ?? []).entries()) {
    const hosts = row.hosts === undefined || row.hosts.length === 0 ? rules.map(rule => rule.host) : row.hosts
    for (const text of hosts) {
      const host = readHost(text)
      if (host === undefined) reader.problem(`spec.tls[${i}].hosts`, `${JSON.stringify(text)} is not a DNS name`, true)
      else
        certificates.set(
          host,
          row.secretName === undefined ? '' : `${ingress.metadata?.namespace ?? ''}/${row.secretName}`,
        )
    }
  }
  const backend = ingress.spec?.defaultBackend
  return {
    ingress: reader.key,
    rules,
    certificates,
    defaultBackend: backend === undefined ? undefined : reader.route(backend, settings, 'spec.defaultBackend'),
    upstreams: reader.upstreams,
    problems: reader.problems,
  }
}
