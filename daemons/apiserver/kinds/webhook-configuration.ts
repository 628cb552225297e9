import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
} from 'kubernetes-types/admissionregistration/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import type { Draft } from './draft.ts'
import { duplicate, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { matchPolicies, validateMatchConditions, validateOperationRule } from './match-resources.ts'
import type { OperationRule } from './match-resources.ts'
import { dns1035LabelErrors, dns1123SubdomainErrors } from './name-syntax.ts'
import { validateLabelSelector } from './selector-validation.ts'
import { validateClientConfig } from './webhook-client-config.ts'

type Webhook = Draft<ValidatingWebhook> & Pick<Draft<MutatingWebhook>, 'reinvocationPolicy'>

const failurePolicies = ['Fail', 'Ignore']
const sideEffects = ['None', 'NoneOnDryRun']
const reinvocationPolicies = ['IfNeeded', 'Never']
/** Versions of AdmissionReview that the server can send. */
const reviewVersions = ['v1', 'v1beta1']

const webhooksOf = (object: object): Webhook[] => (object as { webhooks?: Webhook[] }).webhooks ?? []
const rulesOf = (webhook: Webhook): OperationRule[] => webhook.rules ?? []

const setDefaults = (webhook: Webhook): void => {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= 10
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443
  for (const rule of rulesOf(webhook)) rule.scope ??= '*'
}

const validateName = (name: string | undefined, path: string): FieldError[] => {
  if (!name) return [required(path)]
  const wrong = dns1123SubdomainErrors(name)
  if (wrong.length > 0) return [invalid(path, name, wrong.join(','))]
  return name.split('.').length < 3
    ? [invalid(path, name, 'should be a domain with at least three segments separated by dots')]
    : []
}

const oneOfOrUnset = (path: string, value: string | undefined, supported: readonly string[]): FieldError[] =>
  value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)]

const validateSideEffects = (value: string | undefined, path: string): FieldError[] => {
  if (value === undefined) return [required(path, `must specify one of ${sideEffects.join(', ')}`)]
  return oneOfOrUnset(path, value, sideEffects)
}

const validateVersions = (versions: string[] | undefined, path: string): FieldError[] => {
  const list = versions ?? []
  if (list.length === 0) return [required(path, `must specify one of ${reviewVersions.join(', ')}`)]
  const errors = list.flatMap((version, i) => {
    if (list.indexOf(version) < i) return [invalid(`${path}[${i}]`, version, 'duplicate version')]
    return invalidEach(`${path}[${i}]`, version, dns1035LabelErrors(version))
  })
  if (!list.some(version => reviewVersions.includes(version)))
    errors.push(invalid(path, list, `must include at least one of ${reviewVersions.join(', ')}`))
  return errors
}

const validateWebhook = (webhook: Webhook, path: string, mutates: boolean): FieldError[] => {
  const seconds = webhook.timeoutSeconds
  const errors = [
    ...validateName(webhook.name, `${path}.name`),
    ...rulesOf(webhook).flatMap((rule, i) => validateOperationRule(rule, `${path}.rules[${i}]`)),
    ...oneOfOrUnset(`${path}.failurePolicy`, webhook.failurePolicy, failurePolicies),
    ...oneOfOrUnset(`${path}.matchPolicy`, webhook.matchPolicy, matchPolicies),
    ...validateSideEffects(webhook.sideEffects, `${path}.sideEffects`),
  ]
  if (seconds !== undefined && (seconds < 1 || seconds > 30))
    errors.push(invalid(`${path}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'))
  if (mutates)
    errors.push(...oneOfOrUnset(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, reinvocationPolicies))
  return [
    ...errors,
    ...validateLabelSelector(webhook.namespaceSelector, `${path}.namespaceSelector`),
    ...validateLabelSelector(webhook.objectSelector, `${path}.objectSelector`),
    ...validateClientConfig(webhook.clientConfig, `${path}.clientConfig`),
    ...validateMatchConditions(webhook.matchConditions, `${path}.matchConditions`),
  ]
}

const validate = (webhooks: readonly Webhook[], mutates: boolean): FieldError[] => {
  const names = new Set<string>()
  return webhooks.flatMap((webhook, i) => {
    const path = `webhooks[${i}]`
    const { name = '' } = webhook
    const errors = [
      ...validateWebhook(webhook, path, mutates),
      ...validateVersions(webhook.admissionReviewVersions, `${path}.admissionReviewVersions`),
    ]
    if (name !== '' && names.has(name)) errors.push(duplicate(`${path}.name`, name))
    names.add(name)
    return errors
  })
}

const configurationRow = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  hasStatus: false,
  subresources: [],
  generationFields: ['webhooks'],
  columns: [
    nameColumn,
    column<MutatingWebhookConfiguration>('Webhooks', 'How many there are.', o => (o.webhooks ?? []).length, {
      type: 'integer',
    }),
    ageColumn,
  ],
} as const satisfies Partial<Kind>

export const validatingWebhookConfigurationKind: Kind = {
  ...configurationRow,
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
  setDefaults: object => webhooksOf(object).forEach(setDefaults),
  validate: object => validate(webhooksOf(object), false),
}

export const mutatingWebhookConfigurationKind: Kind = {
  ...configurationRow,
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  singular: 'mutatingwebhookconfiguration',
  schema: 'io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration',
  setDefaults: object => {
    for (const webhook of webhooksOf(object)) {
      setDefaults(webhook)
      webhook.reinvocationPolicy ??= 'Never'
    }
  },
  validate: object => validate(webhooksOf(object), true),
}
