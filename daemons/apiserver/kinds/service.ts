import type { Service } from 'kubernetes-types/core/v1.js'
import { claimsOf } from '../allocation/service-claims.ts'
import { ageColumn, column, formatLabels, nameColumn, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import type { Kind } from './kind.ts'
import { keepAllocated } from './service-update.ts'
import { validateService, validateServiceUpdate } from './service-validation.ts'

type Row = Draft<Service>

const clientIpTimeoutSeconds = 10_800

const setDefaults = (service: Row): void => {
  const spec = (service.spec ??= {})
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  else if (spec.sessionAffinity === 'ClientIP')
    ((spec.sessionAffinityConfig ??= {}).clientIP ??= {}).timeoutSeconds ??= clientIpTimeoutSeconds
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === undefined || port.targetPort === null || port.targetPort === 0 || port.targetPort === '')
      port.targetPort = port.port ?? 0
  }
  const reachedFromOutside = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  if (reachedFromOutside || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0))
    spec.externalTrafficPolicy ||= 'Cluster'
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ||= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

const externalIpCell = ({ spec, status }: Row): string => {
  const own = spec?.externalIPs ?? []
  switch (spec?.type) {
    case 'LoadBalancer': {
      const given = (status?.loadBalancer?.ingress ?? []).map(i => i.ip || i.hostname || '').filter(text => text !== '')
      const all = [...given, ...own]
      return all.length > 0 ? all.join(',') : '<pending>'
    }
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return orNone(own.join(','))
  }
}

const portsCell = ({ spec }: Row): string =>
  orNone(
    (spec?.ports ?? [])
      .map(p => (p.nodePort ? `${p.port}:${p.nodePort}/${p.protocol}` : `${p.port}/${p.protocol}`))
      .join(','),
  )

export const serviceKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Service',
  hasStatus: true,
  subresources: ['proxy'],
  generationFields: [],
  nameRule: 'dns-1035-label',
  setDefaults: object => setDefaults(draftOf<Service>(object)),
  prepareForCreate: object => {
    const service = draftOf<Service>(object)
    service.status = { loadBalancer: {} }
    const spec = (service.spec ??= {})
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
  },
  prepareForUpdate: (object, old) => keepAllocated(draftOf<Service>(object), draftOf<Service>(old)),
  claims: claimsOf,
  validate: object => validateService(draftOf<Service>(object)),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status' ? [] : validateServiceUpdate(draftOf<Service>(object), draftOf<Service>(old)),
  selectableFields: {
    'spec.clusterIP': object => draftOf<Service>(object).spec?.clusterIP ?? '',
    'spec.type': object => draftOf<Service>(object).spec?.type ?? '',
  },
  columns: [
    nameColumn,
    column<Service>('Type', 'How it is reached.', o => o.spec?.type ?? ''),
    column<Service>('Cluster-IP', 'Its address in the cluster.', o =>
      orNone(o.spec?.clusterIPs?.[0] ?? o.spec?.clusterIP),
    ),
    column<Service>('External-IP', 'Its addresses outside.', externalIpCell),
    column<Service>('Port(s)', 'Its ports, and the port of the nodes after a colon.', portsCell),
    ageColumn,
    column<Service>('Selector', 'The labels of its pods.', o => formatLabels(o.spec?.selector), { wide: true }),
  ],
}
