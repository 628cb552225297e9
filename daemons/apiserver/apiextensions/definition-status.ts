import { equalJson } from '../../../kube/patch/json-value.ts'
import { approvalCondition } from './api-approval.ts'
import {
  conditionOf,
  type CustomResourceDefinition,
  type DefinitionCondition,
  type DefinitionNames,
  withCondition,
} from './definition.ts'
import { structuralErrors } from './structural-schema.ts'

/** What the other definitions of the group have been given already. */
interface Taken {
  resources: ReadonlySet<string>
  kinds: ReadonlySet<string>
}

const takenIn = (group: string, definitions: readonly CustomResourceDefinition[]): Taken => {
  const accepted = definitions
    .filter(({ spec }) => spec?.group === group)
    .map(({ status }) => status?.acceptedNames ?? {})
  return {
    resources: new Set(
      accepted
        .flatMap(({ plural, singular, shortNames }) => [plural, singular, ...(shortNames ?? [])])
        .filter(name => name !== undefined),
    ),
    kinds: new Set(accepted.flatMap(({ kind, listKind }) => [kind, listKind]).filter(name => name !== undefined)),
  }
}

interface Naming {
  names: DefinitionNames
  condition: DefinitionCondition
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`

/** The names that the definition may have, and the condition that says so. (Upstream: NamingConditionController.) */
const acceptNames = (definition: CustomResourceDefinition, taken: Taken): Naming => {
  const wanted = definition.spec?.names ?? {}
  const had = definition.status?.acceptedNames ?? {}
  const names: DefinitionNames = { ...had }
  let problem: { reason: string; message: string } | undefined
  const claim = (
    field: 'plural' | 'singular' | 'kind' | 'listKind',
    used: ReadonlySet<string>,
    reason: string,
  ): void => {
    const name = wanted[field] ?? ''
    if (name !== had[field] && used.has(name)) problem = { reason, message: inUse(name) }
    else names[field] = name
  }
  claim('plural', taken.resources, 'PluralConflict')
  claim('singular', taken.resources, 'SingularConflict')
  const own = [...(had.shortNames ?? []), had.plural, had.singular]
  const refused = (wanted.shortNames ?? []).filter(name => !own.includes(name) && taken.resources.has(name))
  const messages = refused.map(inUse)
  if (messages.length > 0)
    problem = {
      reason: 'ShortNamesConflict',
      message: messages.length === 1 ? (messages[0] ?? '') : `[${messages.join(', ')}]`,
    }
  else if (wanted.shortNames === undefined) delete names.shortNames
  else names.shortNames = wanted.shortNames
  claim('kind', taken.kinds, 'KindConflict')
  claim('listKind', taken.kinds, 'ListKindConflict')
  if (wanted.categories === undefined) delete names.categories
  else names.categories = wanted.categories
  const condition =
    problem === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', ...problem }
  return { names, condition }
}

const established: DefinitionCondition = {
  type: 'Established',
  status: 'True',
  reason: 'InitialNamesAccepted',
  message: 'the initial names have been accepted',
}

const notEstablished: DefinitionCondition = {
  type: 'Established',
  status: 'False',
  reason: 'NotAccepted',
  message: 'not all names are accepted',
}

/** What stands in the way of pruning and defaulting; a definition that was admitted here never has any. */
const structuralCondition = (definition: CustomResourceDefinition): DefinitionCondition | undefined => {
  const errors = (definition.spec?.versions ?? []).flatMap(({ schema }, i) =>
    schema?.openAPIV3Schema === undefined
      ? []
      : structuralErrors(schema.openAPIV3Schema, `spec.versions[${i}].schema.openAPIV3Schema`),
  )
  if (errors.length === 0) return undefined
  const texts = errors.map(({ field, message }) => `${field}: ${message}`)
  const message = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`
  return { type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message }
}

const same = (a: DefinitionCondition | undefined, b: DefinitionCondition): boolean =>
  a !== undefined && a.status === b.status && a.reason === b.reason && a.message === b.message

/** The status a definition should have; the very one it has where nothing is to be changed. */
export const planStatus = (
  definition: CustomResourceDefinition,
  all: readonly CustomResourceDefinition[],
  now: string,
): NonNullable<CustomResourceDefinition['status']> => {
  const status = definition.status ?? {}
  const { names, condition } = acceptNames(definition, takenIn(definition.spec?.group ?? '', all))
  const wasEstablished = conditionOf(definition, 'Established')?.status === 'True'
  const wanted = [
    condition,
    wasEstablished || condition.status === 'True' ? established : notEstablished,
    ...[structuralCondition(definition), approvalCondition(definition)].filter(one => one !== undefined),
  ]
  const obsolete = ['NonStructuralSchema', 'KubernetesAPIApprovalPolicyConformant'].filter(
    type => !wanted.some(one => one.type === type),
  )
  const kept = (status.conditions ?? []).filter(({ type }) => !obsolete.includes(type))
  const changed = wanted.filter(one => !same(conditionOf(definition, one.type), one))
  if (
    changed.length === 0 &&
    kept.length === (status.conditions ?? []).length &&
    equalJson(names, status.acceptedNames ?? {})
  )
    return status
  const conditions = changed.reduce((list, one) => withCondition(list, one, now), kept)
  return { ...status, conditions, acceptedNames: names }
}
