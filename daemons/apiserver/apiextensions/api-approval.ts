import { invalid, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import type { CustomResourceDefinition, DefinitionCondition } from './definition.ts'

const annotation = 'api-approved.kubernetes.io'
const missing = `protected groups must have approval annotation "${annotation}", see https://github.com/kubernetes/enhancements/pull/1111`
const bad = `protected groups must have approval annotation "${annotation}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`

/** Groups of the Kubernetes community itself (KEP-1111). */
const isProtected = (group: string): boolean => /(^|\.)(k8s\.io|kubernetes\.io)$/.test(group)

const isUrl = (text: string): boolean => {
  try {
    const url = new URL(text)
    return url.host !== ''
  } catch {
    return false
  }
}

const approvalOf = (definition: CustomResourceDefinition): string =>
  definition.metadata?.annotations?.[annotation] ?? ''

const isApproval = (text: string): boolean => text.startsWith('unapproved') || isUrl(text)

export const approvalErrors = (
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): FieldError[] => {
  if (!isProtected(definition.spec?.group ?? '')) return []
  const approval = approvalOf(definition)
  if (old !== undefined && approvalOf(old) === approval) return []
  const field = `metadata.annotations[${annotation}]`
  if (approval === '') return [required(field, missing)]
  return isApproval(approval) ? [] : [invalid(field, approval, bad)]
}

/** The condition KubernetesAPIApprovalPolicyConformant; undefined for a group of somebody else. */
export const approvalCondition = (definition: CustomResourceDefinition): DefinitionCondition | undefined => {
  if (!isProtected(definition.spec?.group ?? '')) return undefined
  const type = 'KubernetesAPIApprovalPolicyConformant'
  const approval = approvalOf(definition)
  if (approval === '') return { type, status: 'False', reason: 'MissingAnnotation', message: missing }
  if (approval.startsWith('unapproved'))
    return {
      type,
      status: 'False',
      reason: 'UnapprovedAnnotation',
      message: `not approved: ${JSON.stringify(approval)}`,
    }
  return isUrl(approval)
    ? { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${approval}` }
    : { type, status: 'False', reason: 'InvalidAnnotation', message: bad }
}
