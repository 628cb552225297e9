import type { GroupVersionKind } from '../../../../kube/resource.ts'
import { CelError } from '../../cel/cel-error.ts'
import { type CelType, celDyn, objectType } from '../../cel/cel-type.ts'
import { compileCel } from '../../cel/compile.ts'
import { typeOfSchema } from '../../cel/from-schema.ts'
import type { Kind } from '../../kinds/kind.ts'
import { schemaOfKind } from '../../schema/schema-of-kind.ts'
import type { Policy } from './policy.ts'
import { policyVariables } from './policy-variables.ts'

export interface ExpressionWarning {
  fieldRef: string
  warning: string
}

/** More kinds than these are not looked at. */
const maxTypes = 10

const isPlain = (names: readonly string[] | undefined): boolean =>
  names !== undefined && !names.some(name => name.includes('*'))

const order = ({ group, version, kind }: GroupVersionKind): string => `${group} ${version} ${kind}`

/** The kinds a policy names outright; rules with wildcards, and subresources, are passed over. */
const typesToCheck = ({ match }: Policy, kinds: readonly Kind[]): Kind[] => {
  const named = match.rules.flatMap(({ apiGroups, apiVersions, resources = [] }) => {
    if (!isPlain(apiGroups) || !isPlain(apiVersions)) return []
    const plain = resources.filter(resource => !/[*/]/.test(resource))
    return kinds.filter(
      ({ group, version, plural }) =>
        apiGroups?.includes(group) && apiVersions?.includes(version) && plain.includes(plural),
    )
  })
  return [...new Set(named)].slice(0, maxTypes).sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

/** A kind whose definition the build has not derived can be anything. */
const typeOf = (kind: Kind): CelType | undefined => {
  try {
    const type = typeOfSchema(schemaOfKind(kind))
    if (type.kind === 'object') type.fields()
    return type
  } catch {
    return undefined
  }
}

type Types = Readonly<Record<string, CelType>>

const tryCompile = (expression: string, variables: Types): CelType | CelError => {
  try {
    return compileCel(expression, { variables, result: 'any' }).resultType
  } catch (error) {
    if (error instanceof CelError) return error
    throw error
  }
}

const typesFor = (policy: Policy, objects: CelType): Types => {
  const composed = new Map<string, CelType>()
  const all = {
    ...policyVariables(policy.paramKind !== undefined, objects),
    variables: objectType('kubernetes.variables', composed),
  }
  for (const { name, expression } of policy.variables) {
    const type = tryCompile(expression, all)
    composed.set(name, type instanceof CelError ? celDyn : type)
  }
  return all
}

/** What is wrong with a policy's expressions for each kind it names, as its status tells it; it works all the same. */
export const expressionWarnings = (policy: Policy, kinds: readonly Kind[]): ExpressionWarning[] => {
  const checked = typesToCheck(policy, kinds).flatMap(row => {
    const type = typeOf(row)
    return type === undefined ? [] : [{ row, types: typesFor(policy, type) }]
  })
  const warn = (fieldRef: string, expression: string): ExpressionWarning[] => {
    const texts = checked.flatMap(({ row: { group, version, kind }, types }) => {
      const found = expression === '' ? undefined : tryCompile(expression, types)
      return found instanceof CelError ? [`${group}/${version}, Kind=${kind}: ${found.message}\n`] : []
    })
    return texts.length === 0 ? [] : [{ fieldRef, warning: texts.join('\n') }]
  }
  return policy.validations.flatMap(({ expression, messageExpression }, i) => [
    ...warn(`spec.validations[${i}].expression`, expression),
    ...warn(`spec.validations[${i}].messageExpression`, messageExpression),
  ])
}
