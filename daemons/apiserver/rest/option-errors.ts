import type { FieldError } from '../kinds/kind.ts'
import { forbidden, invalid, notSupported, tooLong } from '../kinds/field-error.ts'
import { invalid as invalidStatus } from '../registry/api-errors.ts'

/** Which of meta/v1's options a request carries in its query (and, of a delete, in its body). */
export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions' | 'ListOptions'

const fieldManagerBytes = 128

export const dryRunErrors = (values: readonly string[]): FieldError[] => {
  if (values.every(value => value === 'All')) return []
  // Go prints the whole list, as its source would write it.
  const text = `[]string{${values.map(value => JSON.stringify(value)).join(', ')}}`
  return [{ ...notSupported('dryRun', '', ['All']), message: `Unsupported value: ${text}: supported values: "All"` }]
}

export const fieldManagerErrors = (manager: string): FieldError[] => {
  if (Buffer.byteLength(manager) > fieldManagerBytes) return [tooLong('fieldManager', fieldManagerBytes)]
  const bad = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(manager)
  if (bad === null) return []
  const code = (bad[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return [invalid('fieldManager', manager, `invalid character U+${code} (at position ${bad.index})`)]
}

export const fieldValidationErrors = (value: string): FieldError[] => {
  const known = ['', 'Ignore', 'Strict', 'Warn']
  return known.includes(value) ? [] : [notSupported('fieldValidation', value, known)]
}

/** What a delete asks for, as far as its rules go. */
interface Deletion {
  propagationPolicy: string | undefined
  orphanDependents: boolean | undefined
}

export const deletionErrors = ({ propagationPolicy: policy, orphanDependents }: Deletion): FieldError[] => {
  if (policy === undefined) return []
  const both = 'orphanDependents and deletionPropagation cannot be both set'
  if (orphanDependents !== undefined) return [invalid('propagationPolicy', policy, both)]
  const known = ['Foreground', 'Background', 'Orphan']
  return known.includes(policy) ? [] : [notSupported('propagationPolicy', policy, [...known, 'nil'])]
}

interface Listing {
  resourceVersion?: string | undefined
  resourceVersionMatch?: string | undefined
  continue?: string | undefined
  sendInitialEvents?: boolean | undefined
}

const matches = ['Exact', 'NotOlderThan']

/** Rules of a list: how it may pick the version that it reads. */
export const listErrors = (listing: Listing): FieldError[] => {
  const { resourceVersion = '', resourceVersionMatch: match = '', sendInitialEvents } = listing
  const field = 'resourceVersionMatch'
  const errors: FieldError[] = []
  if (match !== '') {
    if (resourceVersion === '')
      errors.push(forbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if ((listing.continue ?? '') !== '')
      errors.push(forbidden(field, 'resourceVersionMatch is forbidden when continue is provided'))
    if (!matches.includes(match)) errors.push(notSupported(field, match, [...matches, '']))
    if (match === 'Exact' && resourceVersion === '0')
      errors.push(forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  if (sendInitialEvents !== undefined)
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  return errors
}

/** Rules of a watch: initial events and the version they may be from go together. */
export const watchErrors = ({ resourceVersionMatch: match = '', sendInitialEvents }: Listing): FieldError[] => {
  const field = 'resourceVersionMatch'
  if (sendInitialEvents === undefined)
    return match === ''
      ? []
      : [forbidden(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')]
  const errors: FieldError[] = []
  if (match !== 'NotOlderThan')
    errors.push(forbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (match !== '' && match !== 'NotOlderThan') errors.push(notSupported(field, match, ['NotOlderThan']))
  return errors
}

/** Throws ApiError Invalid (422), as upstream answers options that cannot be. */
export const refuseOptions = (kind: OptionsKind, errors: readonly FieldError[]): void => {
  if (errors.length > 0) throw invalidStatus({ group: 'meta.k8s.io', kind }, '', errors)
}
