import { invalid as invalidField } from '../../kinds/field-error.ts'
import type { FieldError } from '../../kinds/kind.ts'
import { invalid } from '../../registry/api-errors.ts'
import type { AdmissionRequest } from '../plugin.ts'
import { compilationText } from './evaluate-policy.ts'
import { policyOf } from './policy.ts'
import { webhooksOf } from '../webhook/webhook.ts'
import { type Compiled, compileConditions, compilePolicy } from './policy-programs.ts'

const errorOf = (path: string, compiled: Compiled | undefined): FieldError[] =>
  compiled?.error === undefined ? [] : [invalidField(path, compiled.expression, compilationText(compiled.error))]

/** The match conditions of a webhook configuration that cannot be compiled. Throws ApiError Invalid. */
export const validateWebhookExpressions = ({ object, kind, name }: AdmissionRequest): void => {
  if (object === undefined) return
  const webhooks = webhooksOf(object, 'validating')
  const errors = webhooks.flatMap(({ matchConditions }, i) =>
    compileConditions(matchConditions).flatMap((one, j) =>
      errorOf(`webhooks[${i}].matchConditions[${j}].expression`, one),
    ),
  )
  if (errors.length > 0) throw invalid(kind, name, errors)
}

/** The expressions of a policy that cannot be compiled, as fields that are invalid. Throws ApiError Invalid. */
export const validatePolicyExpressions = ({ object, kind, name }: AdmissionRequest): void => {
  if (object === undefined) return
  const policy = policyOf(object)
  const programs = compilePolicy(policy)
  const variables = policy.variables.map(variable => programs.variables.get(variable.name))
  const errors = [
    ...programs.matchConditions.flatMap((one, i) => errorOf(`spec.matchConditions[${i}].expression`, one)),
    ...variables.flatMap((one, i) => errorOf(`spec.variables[${i}].expression`, one)),
    ...programs.validations.flatMap((one, i) => [
      ...errorOf(`spec.validations[${i}].expression`, one),
      ...errorOf(`spec.validations[${i}].messageExpression`, programs.messages[i]),
    ]),
    ...programs.auditAnnotations.flatMap((one, i) => errorOf(`spec.auditAnnotations[${i}].valueExpression`, one)),
  ]
  if (errors.length > 0) throw invalid(kind, name, errors)
}
