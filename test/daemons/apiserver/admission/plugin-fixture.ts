import { AdmissionChain } from '../../../../daemons/apiserver/admission/admission-chain.ts'
import type {
  AdmissionHost,
  AdmissionPlugin,
  AdmissionReader,
  AdmissionRequest,
} from '../../../../daemons/apiserver/admission/plugin.ts'
import type { Kind } from '../../../../daemons/apiserver/kinds/kind.ts'
import type { UnknownObject } from '../../../../kube/object.ts'

/** Enough of a row for plugins, which know kinds by group and plural. */
export const row = (group: string, plural: string, kind: string, namespaced = true): Kind => ({
  group,
  version: 'v1',
  kind,
  plural,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  namespaced,
  schema: '',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  columns: [],
})

export const podRow = row('', 'pods', 'Pod')

/** Stored objects by plural; namespaced ones only in their namespace. */
export const readerOf = (stored: Record<string, UnknownObject[]>): AdmissionReader => ({
  get: (_group, plural, namespace, name) =>
    (stored[plural] ?? []).find(o => o.metadata?.name === name && (o.metadata.namespace ?? '') === namespace),
  list: (_group, plural, namespace = '') =>
    (stored[plural] ?? []).filter(o => namespace === '' || o.metadata?.namespace === namespace),
})

export interface Outcome {
  object: UnknownObject | undefined
  refusal: string | undefined
  warnings: string[]
  annotations: Record<string, string>
}

/** Both phases of one plugin on one request. */
export const admitBy = async (
  plugin: AdmissionPlugin,
  one: Partial<AdmissionRequest> & Pick<AdmissionRequest, 'kind'>,
  { stored = {}, host }: { stored?: Record<string, UnknownObject[]>; host?: AdmissionHost } = {},
): Promise<Outcome> => {
  const outcome: Outcome = { object: one.object, refusal: undefined, warnings: [], annotations: {} }
  const request: AdmissionRequest = {
    operation: 'create',
    subresource: '',
    namespace: one.kind.namespaced ? 'default' : '',
    name: one.object?.metadata?.name ?? one.old?.metadata?.name ?? '',
    user: { name: 'me', groups: [] },
    object: undefined,
    old: undefined,
    dryRun: false,
    options: () => ({}),
    warn: text => void outcome.warnings.push(text),
    annotate: (key, value) => {
      outcome.annotations[key] = value
    },
    ...one,
  }
  if (host !== undefined) plugin.attach?.(host)
  const route = new AdmissionChain([plugin]).route(request.operation, request.kind, request.subresource)
  const reader = readerOf(stored)
  try {
    for (const step of route.mutating) await step.admit?.(request, reader)
    for (const step of route.validating) await step.validate?.(request, reader)
  } catch (error) {
    outcome.refusal = (error as Error).message
  }
  outcome.object = request.object
  return outcome
}
