import type { Container, Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { cloneJson } from '../../../kube/patch/json-value.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid } from './field-error.ts'
import type { FieldError, PartRow } from './kind.ts'
import { qosClass } from './pod-qos.ts'
import { validatePod } from './pod-validation.ts'

type Row = Draft<Container>
type Amounts = Readonly<Record<string, string | undefined>> | undefined

const lists = ['containers', 'initContainers'] as const
const changeable = new Set(['cpu', 'memory'])

/** Takes the resources of the containers of the same names. */
const takeResources = (containers: Row[], wanted: readonly Row[]): void => {
  for (const container of containers) {
    const from = wanted.find(({ name }) => name === container.name)
    if (from === undefined) continue
    for (const field of ['resources', 'resizePolicy'] as const) {
      if (from[field] === undefined) delete container[field]
      else Object.assign(container, { [field]: cloneJson(from[field]) })
    }
  }
}

const removed = (next: Amounts, old: Amounts): boolean =>
  Object.keys(old ?? {}).some(name => changeable.has(name) && next?.[name] === undefined)

const others = (container: Row | undefined): unknown => {
  const { resources, ...rest } = container ?? {}
  const keep = (amounts: Amounts) => Object.entries(amounts ?? {}).filter(([name]) => !changeable.has(name))
  return { ...rest, resources: [keep(resources?.limits), keep(resources?.requests), resources?.claims] }
}

const validateContainer = (next: Row, old: Row | undefined, path: string): FieldError[] =>
  (['limits', 'requests'] as const)
    .filter(list => removed(next.resources?.[list], old?.resources?.[list]))
    .map(list => forbidden(`${path}.resources.${list}`, `resource ${list} cannot be removed`))

/** A node whose kubelet knows of resizing reports what its containers have. */
const isSupported = (pod: Draft<Pod>): boolean => {
  const running = (pod.status?.containerStatuses ?? []).find(status => status.state?.running)
  return running === undefined || (running as { resources?: unknown }).resources !== undefined
}

const validateResize = (next: Draft<Pod>, old: Draft<Pod>): FieldError[] => {
  const errors = validatePod(next)
  if (old.spec?.os?.name === 'windows') errors.push(forbidden('spec', 'windows pods cannot be resized'))
  if (old.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined)
    errors.push(forbidden('spec', 'static pods cannot be resized'))
  if (!isSupported(old)) errors.push(forbidden('spec', 'Pod running on node without support for resize'))
  if (qosClass(next.spec ?? {}) !== (old.status?.qosClass ?? qosClass(old.spec ?? {})))
    errors.push(invalid('spec', old.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
  let only = true
  for (const list of lists)
    for (const [i, container] of (next.spec?.[list] ?? []).entries()) {
      const before = old.spec?.[list]?.[i]
      const path = `spec.${list}[${i}]`
      if (isDeepStrictEqual(container, before)) continue
      if (list === 'initContainers' && container.restartPolicy !== 'Always')
        errors.push(forbidden(`spec.${list}`, 'resources for non-sidecar init containers are immutable'))
      errors.push(...validateContainer(container, before, path))
      only &&= isDeepStrictEqual(others(container), others(before))
    }
  if (!only) errors.push(forbidden('spec', 'only cpu and memory resources are mutable'))
  return errors
}

/** pods/resize: what containers ask for and may use, while they run. */
export const resizePart: PartRow = {
  take: (wanted, live) => {
    const next = cloneJson(live)
    const spec = (draftOf<Pod>(next).spec ??= {})
    for (const list of lists) takeResources(spec[list] ?? [], draftOf<Pod>(wanted).spec?.[list] ?? [])
    return next
  },
  validate: (object, old) => validateResize(draftOf<Pod>(object), draftOf<Pod>(old)),
}
