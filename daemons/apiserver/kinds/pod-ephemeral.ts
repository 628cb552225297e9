import type { EphemeralContainer, Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { cloneJson } from '../../../kube/patch/json-value.ts'
import { surroundingsOf, validateContainer, type ContainerSurroundings } from './container-validation.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, notFound } from './field-error.ts'
import type { FieldError, PartRow } from './kind.ts'
import { validateVolumes } from './volume-validation.ts'

const path = 'spec.ephemeralContainers'

/** A container for debugging gets nothing a service would rely on. */
const allowed = new Set([
  'name', 'image', 'command', 'args', 'workingDir', 'env', 'envFrom', 'volumeMounts', 'volumeDevices',
  'terminationMessagePath', 'terminationMessagePolicy', 'imagePullPolicy', 'securityContext', 'stdin', 'stdinOnce', 'tty',
  'targetContainerName',
]) // prettier-ignore

const isSet = (value: unknown): boolean =>
  value !== undefined && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0)

const validateOne = (
  container: Draft<EphemeralContainer>,
  at: string,
  { names, around }: { names: ReadonlySet<string>; around: ContainerSurroundings },
): FieldError[] => {
  const errors = validateContainer(container, at, around)
  for (const [field, value] of Object.entries(container))
    if (!allowed.has(field) && isSet(value))
      errors.push(forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container'))
  for (const [i, mount] of (container.volumeMounts ?? []).entries())
    for (const field of ['subPath', 'subPathExpr'] as const)
      if (mount[field])
        errors.push(forbidden(`${at}.volumeMounts[${i}].${field}`, 'cannot be set for an Ephemeral Container'))
  const target = container.targetContainerName
  if (target && !names.has(target)) errors.push(notFound(`${at}.targetContainerName`, target))
  return errors
}

/** All debug containers of a pod. */
export const validateEphemeralContainers = (spec: NonNullable<Draft<Pod>['spec']>): FieldError[] => {
  const containers = spec.ephemeralContainers ?? []
  if (containers.length === 0) return []
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const names = new Set(others.map(container => container.name ?? ''))
  const taken = new Set(names)
  const around = surroundingsOf(spec, validateVolumes(spec.volumes, 'spec.volumes').byName)
  return containers.flatMap((container, i) => {
    const at = `${path}[${i}]`
    const errors = validateOne(container, at, { names, around })
    const name = container.name ?? ''
    if (name !== '' && taken.has(name)) errors.push(duplicate(`${at}.name`, name))
    taken.add(name)
    return errors
  })
}

/** Debug containers can be added, and that is all. */
const validateAdditions = (next: Draft<Pod>, old: Draft<Pod>): FieldError[] =>
  (old.spec?.ephemeralContainers ?? []).flatMap(before => {
    const after = (next.spec?.ephemeralContainers ?? []).find(({ name }) => name === before.name)
    if (isDeepStrictEqual(after, before)) return []
    const what = after === undefined ? 'removed' : 'changed'
    return [forbidden(path, `existing ephemeral containers ${JSON.stringify(before.name)} may not be ${what}\n`)]
  })

/** pods/ephemeralcontainers: `kubectl debug`. */
export const ephemeralContainersPart: PartRow = {
  take: (wanted, live) => {
    const next = cloneJson(live)
    const spec = (draftOf<Pod>(next).spec ??= {})
    const containers = draftOf<Pod>(wanted).spec?.ephemeralContainers
    if (containers === undefined) delete spec.ephemeralContainers
    else spec.ephemeralContainers = cloneJson(containers)
    return next
  },
  validate: (object, old) => [
    ...validateEphemeralContainers(draftOf<Pod>(object).spec ?? {}),
    ...validateAdditions(draftOf<Pod>(object), draftOf<Pod>(old)),
  ],
}
