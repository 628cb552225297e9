import type { Ingress, IngressBackend, HTTPIngressPath } from 'kubernetes-types/networking/v1.js'
import { isIP } from 'node:net'
import { ageColumn, column, joinSome, nameColumn, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import {
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  pathSegmentErrors,
  portNameErrors,
  portNumberErrors,
  wildcardSubdomainErrors,
} from './name-syntax.ts'

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix']
const classAnnotation = 'kubernetes.io/ingress.class'

const hostsCell = (ingress: Draft<Ingress>): string => {
  const hosts = (ingress.spec?.rules ?? []).map(rule => rule.host).filter((host): host is string => !!host)
  return hosts.length === 0 ? '*' : joinSome(hosts, 3)
}

const addressCell = (ingress: Draft<Ingress>): string =>
  (ingress.status?.loadBalancer?.ingress ?? []).map(i => i.ip || i.hostname || '').join(',')

const validateResourceBackend = (
  { apiGroup, kind, name }: NonNullable<Draft<IngressBackend>['resource']>,
  path: string,
): FieldError[] => {
  const errors: FieldError[] = []
  if (apiGroup !== undefined)
    errors.push(...invalidEach(`${path}.apiGroup`, apiGroup, dns1123SubdomainErrors(apiGroup)))
  if (!kind) errors.push(required(`${path}.kind`, 'kind is required'))
  else errors.push(...invalidEach(`${path}.kind`, kind, pathSegmentErrors(kind)))
  if (!name) errors.push(required(`${path}.name`, 'name is required'))
  else errors.push(...invalidEach(`${path}.name`, name, pathSegmentErrors(name)))
  return errors
}

const validateBackend = (backend: Draft<IngressBackend> | undefined, path: string): FieldError[] => {
  const { service, resource } = backend ?? {}
  if (service && resource) return [invalid(path, '', 'cannot set both resource and service backends')]
  if (!service && !resource) return [invalid(path, '', 'resource or service backend is required')]
  if (!service) return validateResourceBackend(resource ?? {}, `${path}.resource`)
  const errors: FieldError[] = []
  if (!service.name) errors.push(required(`${path}.service.name`))
  else errors.push(...invalidEach(`${path}.service.name`, service.name, dns1035LabelErrors(service.name)))
  const { name, number } = service.port ?? {}
  if (name && number) errors.push(invalid(`${path}`, '', 'cannot set both port name & port number'))
  else if (name) errors.push(...invalidEach(`${path}.service.port.name`, name, portNameErrors(name)))
  else if (number) errors.push(...invalidEach(`${path}.service.port.number`, number, portNumberErrors(number)))
  else errors.push(required(`${path}`, 'port name or number is required'))
  return errors
}

const validatePath = (row: Draft<HTTPIngressPath>, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const { path: text = '', pathType } = row
  if (pathType === undefined) return [required(`${path}.pathType`, 'pathType must be specified')]
  if (!pathTypes.includes(pathType)) errors.push(notSupported(`${path}.pathType`, pathType, pathTypes))
  else if (pathType !== 'ImplementationSpecific' || text !== '') {
    if (!text.startsWith('/')) errors.push(invalid(`${path}.path`, text, 'must be an absolute path'))
    else if (pathType !== 'ImplementationSpecific')
      for (const part of ['//', '/./', '/../', '%2f', '%2F'])
        if (text.includes(part)) errors.push(invalid(`${path}.path`, text, `must not contain '${part}'`))
    if (pathType !== 'ImplementationSpecific')
      for (const end of ['/..', '/.'])
        if (text.endsWith(end)) errors.push(invalid(`${path}.path`, text, `cannot end with '${end}'`))
  }
  return [...errors, ...validateBackend(row.backend, `${path}.backend`)]
}

const hostErrors = (host: string): string[] =>
  host.includes('*') ? wildcardSubdomainErrors(host) : dns1123SubdomainErrors(host)

const validate = ({ spec = {}, metadata }: Draft<Ingress>): FieldError[] => {
  const errors: FieldError[] = []
  const { rules, defaultBackend, ingressClassName, tls } = spec
  if (!rules?.length && !defaultBackend)
    errors.push(invalid('spec', rules ?? [], 'either `defaultBackend` or `rules` must be specified'))
  if (defaultBackend) errors.push(...validateBackend(defaultBackend, 'spec.defaultBackend'))
  for (const [i, rule] of (rules ?? []).entries()) {
    const at = `spec.rules[${i}]`
    if (rule.host) {
      if (isIP(rule.host) !== 0) errors.push(invalid(`${at}.host`, rule.host, 'must be a DNS name, not an IP address'))
      errors.push(...invalidEach(`${at}.host`, rule.host, hostErrors(rule.host)))
    }
    if (!rule.http) continue
    if (!rule.http.paths?.length) errors.push(required(`${at}.http.paths`))
    for (const [j, path] of (rule.http.paths ?? []).entries())
      errors.push(...validatePath(path, `${at}.http.paths[${j}]`))
  }
  for (const [i, { hosts, secretName }] of (tls ?? []).entries()) {
    for (const [j, host] of (hosts ?? []).entries())
      errors.push(...invalidEach(`spec.tls[${i}].hosts[${j}]`, host, hostErrors(host)))
    if (secretName)
      errors.push(...invalidEach(`spec.tls[${i}].secretName`, secretName, dns1123SubdomainErrors(secretName)))
  }
  if (ingressClassName !== undefined)
    errors.push(...invalidEach('spec.ingressClassName', ingressClassName, dns1123SubdomainErrors(ingressClassName)))
  const annotated = metadata?.annotations?.[classAnnotation]
  if (annotated && ingressClassName && annotated !== ingressClassName)
    errors.push(
      invalid(`annotations.${classAnnotation}`, annotated, 'must match `ingressClassName` when both are specified'),
    )
  return errors
}

export const ingressKind: Kind = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.networking.v1.Ingress',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  prepareForCreate: object => {
    object['status'] = { loadBalancer: {} }
  },
  validate: object => validate(draftOf<Ingress>(object)),
  columns: [
    nameColumn,
    column<Ingress>('Class', 'Which IngressClass carries it out.', o =>
      orNone(o.spec?.ingressClassName || o.metadata?.annotations?.[classAnnotation]),
    ),
    column<Ingress>('Hosts', 'The hosts it answers for.', hostsCell),
    column<Ingress>('Address', 'Where it answers.', addressCell),
    column<Ingress>('Ports', 'The ports it answers on.', o => (o.spec?.tls?.length ? '80, 443' : '80')),
    ageColumn,
  ],
}
