import {
  celBool,
  celDyn,
  celInt,
  celString,
  celTimestamp,
  type CelType,
  listType,
  mapType,
  objectType,
} from '../../cel/cel-type.ts'
import { authorizerType, resourceCheckType } from '../../cel/library/authorization.ts'

const strings = (...names: string[]): [string, CelType][] => names.map(name => [name, celString])

const object = (name: string, ...fields: [string, CelType][]): CelType =>
  objectType(`kubernetes.${name}`, new Map(fields))

const gvk = object('GroupVersionKind', ...strings('group', 'version', 'kind'))
const gvr = object('GroupVersionResource', ...strings('group', 'version', 'resource'))

/** admission/v1 AdmissionRequest, without the objects. */
const requestType = object(
  'AdmissionRequest',
  ['kind', gvk],
  ['resource', gvr],
  ['requestKind', gvk],
  ['requestResource', gvr],
  ...strings('subResource', 'requestSubResource', 'name', 'namespace', 'operation'),
  [
    'userInfo',
    object(
      'UserInfo',
      ...strings('username', 'uid'),
      ['groups', listType(celString)],
      ['extra', mapType(celString, listType(celString))],
    ),
  ],
  ['dryRun', celBool],
  ['options', celDyn],
)

const labels = mapType(celString, celString)

const namespaceType = object(
  'Namespace',
  [
    'metadata',
    object(
      'NamespaceMetadata',
      ...strings('name', 'generateName', 'namespace', 'uid', 'resourceVersion'),
      ['labels', labels],
      ['annotations', labels],
      ['finalizers', listType(celString)],
      ['generation', celInt],
      ['creationTimestamp', celTimestamp],
      ['deletionTimestamp', celTimestamp],
      ['deletionGracePeriodSeconds', celInt],
    ),
  ],
  ['spec', object('NamespaceSpec', ['finalizers', listType(celString)])],
  [
    'status',
    object(
      'NamespaceStatus',
      ['phase', celString],
      [
        'conditions',
        listType(
          object('NamespaceCondition', ...strings('type', 'status', 'reason', 'message'), [
            'lastTransitionTime',
            celTimestamp,
          ]),
        ),
      ],
    ),
  ],
)

/** What the expressions of a policy may speak of, but for its own variables. `params` is there where the policy has a kind of them. */
export const policyVariables = (hasParams: boolean, objects: CelType = celDyn): Record<string, CelType> => ({
  object: objects,
  oldObject: objects,
  request: requestType,
  namespaceObject: namespaceType,
  authorizer: authorizerType,
  'authorizer.requestResource': resourceCheckType,
  ...(hasParams ? { params: celDyn } : {}),
})
