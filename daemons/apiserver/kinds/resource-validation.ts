import type { ResourceRequirements } from 'kubernetes-types/core/v1.js'
import { parseQuantity } from '../../../kube/quantity.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'

const standard = new Set(['cpu', 'memory', 'ephemeral-storage'])
const quantityMessage = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

/** The exact amount, or undefined where the text is no quantity. */
export const nanoOf = (text: string): bigint | undefined => {
  try {
    return parseQuantity(text).nano
  } catch {
    return undefined
  }
}

export const validateQuantity = (text: string, path: string): FieldError[] => {
  const nano = nanoOf(text)
  if (nano === undefined) return [invalid(path, text, quantityMessage)]
  return nano < 0n ? [invalid(path, text, 'must be greater than or equal to 0')] : []
}

const isExtended = (name: string): boolean => name.includes('/')
const isHugePage = (name: string): boolean => name.startsWith('hugepages-')

export const validateContainerResourceName = (name: string, path: string): FieldError[] => {
  const errors = invalidEach(path, name, qualifiedNameErrors(name))
  if (errors.length > 0 || isExtended(name) || standard.has(name) || isHugePage(name)) return errors
  return [invalid(path, name, 'must be a standard resource for containers')]
}

export const validateResources = (resources: Draft<ResourceRequirements> | undefined, path: string): FieldError[] => {
  if (!resources) return []
  const errors: FieldError[] = []
  const { limits, requests } = resources
  for (const name in limits) {
    errors.push(...validateContainerResourceName(name, `${path}.limits[${name}]`))
    errors.push(...validateQuantity(limits[name] ?? '', `${path}.limits[${name}]`))
  }
  for (const name in requests) {
    const request = requests[name] ?? ''
    errors.push(...validateContainerResourceName(name, `${path}.requests[${name}]`))
    errors.push(...validateQuantity(request, `${path}.requests[${name}]`))
    const limit = limits?.[name]
    if (limit === undefined) {
      if (isExtended(name) || isHugePage(name))
        errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'))
      continue
    }
    const [asked, most] = [nanoOf(request), nanoOf(limit)]
    if (asked === undefined || most === undefined) continue
    // Devices and huge pages cannot be overcommitted.
    if ((isExtended(name) || isHugePage(name)) && asked !== most)
      errors.push(invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`))
    else if (asked > most)
      errors.push(invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`))
  }
  const names = [...Object.keys(limits ?? {}), ...Object.keys(requests ?? {})]
  if (names.some(isHugePage) && !names.includes('cpu') && !names.includes('memory'))
    errors.push(forbidden(path, 'HugePages require cpu or memory'))
  return errors
}
