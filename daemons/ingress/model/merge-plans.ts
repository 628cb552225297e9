import type { IngressConfig, IngressProblem, Location, Route, ServerBlock, Upstream } from './ingress-config.ts'
import type { IngressPlan } from './plan-ingress.ts'

export interface MergeSettings {
  listenAddress: string
  httpPort: number
  httpsPort: number
  /** True for a Secret that holds a usable certificate; others fall back. */
  hasCertificate(secret: string): boolean
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Regular expressions are tried in the order of the file: the longer one is the more particular. */
const locationOrder = (a: Location, b: Location): number =>
  b.path.length - a.path.length || byText(a.path, b.path) || byText(a.match, b.match)

/**
 * Several Ingresses -> one configuration. `plans` come oldest first: of two that claim the same host and path, the
 * older one keeps it and the other is told.
 */
export const mergePlans = (
  plans: readonly IngressPlan[],
  settings: MergeSettings,
): { config: IngressConfig; problems: IngressProblem[] } => {
  const problems: IngressProblem[] = []
  const hosts = new Map<string, { locations: Map<string, Location>; certificate: string | undefined }>()
  const upstreams = new Map<string, Upstream>()
  let defaultBackend: Route | undefined
  let tls = false
  const hostOf = (name: string) => {
    let host = hosts.get(name)
    if (host === undefined) hosts.set(name, (host = { locations: new Map(), certificate: undefined }))
    return host
  }
  hostOf('')
  for (const plan of plans) {
    for (const upstream of plan.upstreams) upstreams.set(upstream.name, upstream)
    defaultBackend ??= plan.defaultBackend
    for (const { host, locations } of plan.rules)
      for (const location of locations) {
        const server = hostOf(host)
        const key = `${location.match} ${location.path}`
        const holder = server.locations.get(key)
        if (holder === undefined) server.locations.set(key, location)
        else if (holder.route.ingress !== plan.ingress)
          problems.push({
            ingress: plan.ingress,
            field: 'spec.rules',
            message: `${host || '*'}${location.path} belongs to Ingress ${holder.route.ingress}, which is older`,
            rejects: false,
          })
      }
    for (const [host, secret] of plan.certificates) {
      tls = true
      if (secret !== '' && settings.hasCertificate(secret)) hostOf(host).certificate ??= secret
      else if (secret !== '') {
        const message = `Secret ${secret} has no usable tls.crt and tls.key; the fallback certificate is shown`
        problems.push({ ingress: plan.ingress, field: 'spec.tls', message, rejects: false })
      }
      hostOf(host)
    }
  }
  const servers = [...hosts]
    .sort(([a], [b]) => byText(a, b))
    .map(([host, { locations, certificate }]): ServerBlock => ({
      host,
      certificate,
      locations: [...locations.values()].sort(locationOrder),
    }))
  const { listenAddress, httpPort, httpsPort } = settings
  const sorted = [...upstreams.values()].sort((a, b) => byText(a.name, b.name))
  return { config: { listenAddress, httpPort, httpsPort, tls, servers, upstreams: sorted, defaultBackend }, problems }
}
