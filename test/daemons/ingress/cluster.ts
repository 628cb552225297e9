import type { Ingress, IngressClass, IngressSpec } from 'kubernetes-types/networking/v1.js'
import type { BackendSource } from '../../../daemons/ingress/model/backends.ts'
import type { IngressConfig } from '../../../daemons/ingress/model/ingress-config.ts'
import { mergePlans } from '../../../daemons/ingress/model/merge-plans.ts'
import { planIngress } from '../../../daemons/ingress/model/plan-ingress.ts'
import { renderConfig } from '../../../daemons/ingress/nginx/render-config.ts'
import { at, service, slice } from '../../proxy/cluster.ts'

export const nginxClass: IngressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'nginx' },
  spec: { controller: 'k8s.io/ingress-nginx' },
}

export const ingress = (name: string, spec: IngressSpec, annotations: Record<string, string> = {}): Ingress => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { namespace: 'default', name, annotations },
  spec: { ingressClassName: 'nginx', ...spec },
})

export const to = (name: string, port: number | string = 80) => ({
  service: { name, port: typeof port === 'number' ? { number: port } : { name: port } },
})

export const rule = (host: string | undefined, ...paths: [string, string, string][]) => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: paths.map(([path, pathType, backend]) => ({ path, pathType, backend: to(backend) })) },
})

const known: Record<string, { ips: string[] }> = {
  a: { ips: ['10.244.0.3', '10.244.0.4'] },
  b: { ips: ['10.244.0.5'] },
  none: { ips: [] },
}

export const source: BackendSource = {
  service: key => {
    const name = key.split('/')[1] ?? ''
    return known[name] === undefined ? undefined : service(name, {})
  },
  slices: key => {
    const name = key.split('/')[1] ?? ''
    return [
      slice(
        name,
        (known[name]?.ips ?? []).map(ip => at(ip)),
      ),
    ]
  },
}

/** From Ingresses straight to configuration and text. */
export const configure = (ingresses: Ingress[], certificates: string[] = []) => {
  const plans = ingresses.map(one => planIngress(one, source))
  const settings = {
    listenAddress: '0.0.0.0',
    httpPort: 80,
    httpsPort: 443,
    hasCertificate: (secret: string) => certificates.includes(secret),
  }
  const { config, problems } = mergePlans(plans, settings)
  return { config, problems: [...plans.flatMap(plan => plan.problems), ...problems], text: textOf(config) }
}

export const textOf = (config: IngressConfig): string =>
  renderConfig(config, {
    prefix: '/tmp/skiff-ingress',
    workers: 1,
    user: undefined,
    certificateFile: secret => `/tmp/skiff-ingress/${secret?.replace('/', '_') ?? 'fallback'}.pem`,
  })
