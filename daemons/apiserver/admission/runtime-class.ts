import type { Pod, Toleration } from 'kubernetes-types/core/v1.js'
import type { RuntimeClass } from 'kubernetes-types/node/v1.js'
import { parseQuantity } from '../../../kube/quantity.ts'
import { equalJson } from '../../../kube/patch/json-value.ts'
import { draftOf } from '../kinds/draft.ts'
import type { Draft } from '../kinds/draft.ts'
import { forbid, writes } from './forbid.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from './plugin.ts'

type Spec = NonNullable<Draft<Pod>['spec']>
type Amounts = Draft<Record<string, string>>

const classOf = (request: AdmissionRequest, spec: Spec, reader: AdmissionReader): Draft<RuntimeClass> | undefined => {
  const name = spec.runtimeClassName
  if (!name) return undefined
  const found = reader.get('node.k8s.io', 'runtimeclasses', '', name)
  if (found === undefined) throw forbid(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
  return draftOf<RuntimeClass>(found)
}

const equalAmounts = (a: Amounts, b: Amounts): boolean => {
  const keys = Object.keys(a)
  const amount = (text: string | undefined): bigint => parseQuantity(text ?? '0').nano
  return keys.length === Object.keys(b).length && keys.every(key => key in b && amount(a[key]) === amount(b[key]))
}

const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

const setOverhead = (request: AdmissionRequest, spec: Spec, row: Draft<RuntimeClass>): void => {
  const overhead = row.overhead?.podFixed as Amounts | undefined
  if (overhead === undefined) return
  if (spec.overhead !== undefined && !equalAmounts(spec.overhead as Amounts, overhead)) throw forbid(request, mismatch)
  spec.overhead = structuredClone(overhead) as NonNullable<Spec['overhead']>
}

const setScheduling = (request: AdmissionRequest, spec: Spec, { scheduling }: Draft<RuntimeClass>): void => {
  if (scheduling === undefined) return
  const selector = scheduling.nodeSelector as Record<string, string> | undefined
  const own = spec.nodeSelector as Record<string, string> | undefined
  for (const [key, value] of Object.entries(selector ?? {}))
    if (own?.[key] !== undefined && own[key] !== value)
      throw forbid(
        request,
        `pod rejected: conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`,
      )
  if (selector !== undefined) spec.nodeSelector = { ...own, ...selector }
  const added = (scheduling.tolerations ?? []) as Draft<Toleration>[]
  const held = spec.tolerations ?? []
  const missing = added.filter(toleration => !held.some(one => equalJson(one, toleration)))
  if (missing.length > 0) spec.tolerations = [...held, ...structuredClone(missing)]
}

/** A pod's runtime class says what its sandbox costs, and where it can run. */
export const runtimeClassPlugin: AdmissionPlugin = {
  name: 'RuntimeClass',
  handles: route => writes(route, '', 'pods') && route.operation === 'create',
  admit: (request, reader) => {
    if (request.object === undefined) return
    const spec = draftOf<Pod>(request.object).spec
    if (!spec?.runtimeClassName) return
    const row = classOf(request, spec, reader)
    if (row === undefined) return
    setOverhead(request, spec, row)
    setScheduling(request, spec, row)
  },
  validate: (request, reader) => {
    const spec = request.object === undefined ? undefined : draftOf<Pod>(request.object).spec
    if (spec?.overhead === undefined || Object.keys(spec.overhead).length === 0) return
    const overhead = classOf(request, spec, reader)?.overhead?.podFixed as Amounts | undefined
    if (overhead === undefined)
      throw forbid(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    if (!equalAmounts(spec.overhead as Amounts, overhead)) throw forbid(request, mismatch)
  },
}
