import type { PersistentVolumeClaimSpec } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors } from './name-syntax.ts'
import { validateLabelSelector } from './selector-validation.ts'
import { validateAccessModes, validateClassName, validateStorage, volumeModes } from './storage-rules.ts'

type Spec = Draft<PersistentVolumeClaimSpec>

const validateSource = (source: NonNullable<Spec['dataSourceRef']>, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const { name, kind, apiGroup, namespace } = source
  if (!name) errors.push(required(`${path}.name`))
  if (!kind) errors.push(required(`${path}.kind`))
  if (!apiGroup) {
    if (kind !== 'PersistentVolumeClaim')
      errors.push(invalid(path, kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
  } else errors.push(...invalidEach(`${path}.apiGroup`, apiGroup, dns1123SubdomainErrors(apiGroup)))
  if (namespace) errors.push(...invalidEach(`${path}.namespace`, namespace, dns1123LabelErrors(namespace)))
  return errors
}

const validateSources = ({ dataSource, dataSourceRef }: Spec, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (dataSource) errors.push(...validateSource(dataSource, `${path}.dataSource`))
  if (dataSourceRef) errors.push(...validateSource(dataSourceRef, `${path}.dataSourceRef`))
  if (!dataSource || !dataSourceRef) return errors
  if (dataSourceRef.namespace)
    errors.push(invalid(path, `${path}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified'))
  else if (!isDeepStrictEqual({ ...dataSource }, { ...dataSourceRef }))
    errors.push(invalid(path, `${path}.dataSource`, 'must match dataSourceRef'))
  return errors
}

/** A claim's spec, wherever it stands. */
export const validateClaimSpec = (spec: Spec, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (!spec.accessModes?.length) errors.push(required(`${path}.accessModes`, 'at least 1 access mode is required'))
  errors.push(...validateLabelSelector(spec.selector, `${path}.selector`))
  errors.push(...validateAccessModes(spec.accessModes, `${path}.accessModes`))
  const storage = spec.resources?.requests?.['storage']
  if (storage === undefined) errors.push(required(`${path}.resources[storage]`))
  else errors.push(...validateStorage(storage, `${path}.resources[storage]`))
  errors.push(...validateClassName(spec.storageClassName, `${path}.storageClassName`))
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode))
    errors.push(notSupported(`${path}.volumeMode`, spec.volumeMode, volumeModes))
  errors.push(...validateSources(spec, path))
  errors.push(...validateClassName(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`))
  return errors
}
