import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1035LabelErrors, dns1123SubdomainErrors, portNumberErrors } from './name-syntax.ts'

/** apiregistration.k8s.io/v1 APIService, which kubernetes-types leaves out. */
export interface APIService {
  metadata: { name: string }
  spec: {
    group: string
    version: string
    groupPriorityMinimum: number
    versionPriority: number
    /** Undefined: this server serves the group itself. */
    service: { namespace: string; name: string; port: number }
    caBundle: string
    insecureSkipTLSVerify: boolean
  }
  status: {
    conditions: { type: string; status: string; reason: string; message: string; lastTransitionTime: string }[]
  }
}

type Spec = NonNullable<Draft<APIService>['spec']>

const validateService = ({ service, insecureSkipTLSVerify, caBundle }: Spec): FieldError[] => {
  if (!service) {
    const errors: FieldError[] = []
    if (caBundle)
      errors.push(
        invalid(
          'spec.caBundle',
          `${Buffer.from(caBundle, 'base64').length} bytes`,
          'local APIServices may not have a caBundle',
        ),
      )
    if (insecureSkipTLSVerify)
      errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
    return errors
  }
  const { namespace, name, port = 443 } = service
  const wrong = portNumberErrors(port)
  return [
    ...(namespace ? [] : [required('spec.service.namespace')]),
    ...(name ? [] : [required('spec.service.name')]),
    ...(wrong.length > 0 ? [invalid('spec.service.port', port, `port is not valid: ${wrong.join(',')}`)] : []),
    ...(insecureSkipTLSVerify && caBundle
      ? [invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')]
      : []),
  ]
}

const validate = ({ metadata, spec = {} }: Draft<APIService>): FieldError[] => {
  const { group = '', version = '', groupPriorityMinimum: groupPriority = 0, versionPriority = 0 } = spec
  const wantedName = `${version}.${group}`
  const name = metadata?.name ?? ''
  const errors: FieldError[] = []
  if (name !== wantedName)
    errors.push(
      invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wantedName)}`),
    )
  if (group === '' && version !== 'v1')
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  if (group !== '') errors.push(...invalidEach('spec.group', group, dns1123SubdomainErrors(group)))
  errors.push(...invalidEach('spec.version', version, dns1035LabelErrors(version)))
  if (groupPriority <= 0 || groupPriority > 20_000)
    errors.push(invalid('spec.groupPriorityMinimum', groupPriority, 'must be positive and less than 20000'))
  if (versionPriority <= 0 || versionPriority > 1000)
    errors.push(invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000'))
  return [...errors, ...validateService(spec)]
}

/** A group that this server serves itself is there from the start. */
const firstStatus = (spec: Spec | undefined, now: string): object =>
  spec?.service
    ? {}
    : {
        conditions: [
          {
            type: 'Available',
            status: 'True',
            lastTransitionTime: now,
            reason: 'Local',
            message: 'Local APIServices are always available',
          },
        ],
      }

const availableCell = ({ status }: Draft<APIService>): string => {
  const condition = (status?.conditions ?? []).find(({ type }) => type === 'Available')
  if (!condition) return 'Unknown'
  return condition.status === 'True' ? 'True' : `${condition.status ?? ''} (${condition.reason ?? ''})`
}

export const apiServiceKind: Kind = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  schema: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  hasStatus: true,
  subresources: [],
  generationFields: [],
  nameRule: 'path-segment',
  setDefaults: object => {
    const service = draftOf<APIService>(object).spec?.service
    if (service) service.port ??= 443
  },
  prepareForCreate: object => {
    object['status'] = firstStatus(draftOf<APIService>(object).spec, object.metadata?.creationTimestamp ?? '')
  },
  validate: object => validate(draftOf<APIService>(object)),
  columns: [
    nameColumn,
    column<APIService>('Service', 'Who serves it.', ({ spec }) =>
      spec?.service ? `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}` : 'Local',
    ),
    column<APIService>('Available', 'Whether it is served now.', availableCell),
    ageColumn,
  ],
}
