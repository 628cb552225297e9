import { apiError } from '../../../kube/status.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { checkNestedSchemas } from './nested-schemas.ts'
import { cleanupFinalizer, definitionOf, storageVersionOf, withCondition } from './definition.ts'

/** Fills what upstream's defaults fill: names derived from the kind, no conversion, the ports of webhooks. Throws ApiError BadRequest. */
export const setDefinitionDefaults = (object: UnknownObject): void => {
  const { spec } = definitionOf(object)
  if (spec === undefined) return
  for (const version of spec.versions ?? [])
    if (version.schema?.openAPIV3Schema !== undefined) checkNestedSchemas(version.schema.openAPIV3Schema)
  const { names } = spec
  if (names?.kind !== undefined) {
    names.singular ||= names.kind.toLowerCase()
    names.listKind ||= `${names.kind}List`
  }
  spec.conversion ??= { strategy: 'None' }
  const service = spec.conversion.webhook?.clientConfig?.service
  if (service !== undefined) service.port ??= 443
}

/** The names of versions that objects were ever stored at, with the one that they are stored at from now on. */
const rememberStorageVersion = (object: UnknownObject): void => {
  const definition = definitionOf(object)
  const version = storageVersionOf(definition)
  if (version === undefined) return
  const stored = definition.status?.storedVersions ?? []
  if (!stored.includes(version)) definition.status = { ...definition.status, storedVersions: [...stored, version] }
}

export const prepareDefinitionForCreate = (object: UnknownObject): void => {
  const definition = definitionOf(object)
  definition.status = {
    conditions: [],
    acceptedNames: { plural: '', kind: '' },
    storedVersions: [],
  }
  rememberStorageVersion(object)
}

export const prepareDefinitionForUpdate = (object: UnknownObject): void => rememberStorageVersion(object)

/** A definition that goes waits for its objects to be deleted first. */
export const prepareDefinitionForDelete = (object: UnknownObject, now: string): void => {
  const definition = definitionOf(object)
  const { metadata = {} } = definition
  const finalizers = metadata.finalizers ?? []
  if (!finalizers.includes(cleanupFinalizer)) metadata.finalizers = [...finalizers, cleanupFinalizer]
  const condition = {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  }
  const conditions = withCondition(definition.status?.conditions ?? [], condition, now)
  definition.status = { ...definition.status, conditions }
}

/** Throws ApiError MethodNotAllowed where the kind's definition is going. */
export const refuseWhileTerminating = (terminating: boolean): void => {
  if (terminating)
    throw apiError('MethodNotAllowed', 'create not allowed while custom resource definition is terminating')
}
