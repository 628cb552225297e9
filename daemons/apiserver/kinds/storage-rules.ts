import { canonicalQuantity } from './canonical-quantity.ts'
import { forbidden, invalid, invalidEach, notSupported } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123SubdomainErrors } from './name-syntax.ts'
import { nanoOf, validateQuantity } from './resource-validation.ts'

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const volumeModes = ['Block', 'Filesystem']
/** How a class was named before there was a field for it; it still counts. */
const betaClass = 'volume.beta.kubernetes.io/storage-class'

/** Rewrites the quantities of a map in place as upstream stores them. */
export const canonicalizeQuantities = (list: Record<string, string | undefined> | undefined): void => {
  for (const name in list) {
    const text = list[name]
    if (text !== undefined && text !== null) list[name] = canonicalQuantity(String(text))
  }
}

export const validateAccessModes = (modes: readonly string[] | undefined, path: string): FieldError[] => {
  const known = (modes ?? []).filter(mode => accessModes.includes(mode))
  const errors = (modes ?? [])
    .filter(mode => !accessModes.includes(mode))
    .map(mode => notSupported(path, mode, accessModes))
  if (known.includes('ReadWriteOncePod') && known.some(mode => mode !== 'ReadWriteOncePod'))
    errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'))
  return errors
}

/** An amount of storage: whole bytes, more than none. */
export const validateStorage = (text: string, path: string): FieldError[] => {
  const nano = nanoOf(text)
  if (nano === undefined) return validateQuantity(text, path)
  return nano <= 0n ? [invalid(path, text, 'must be greater than zero')] : []
}

/** Names of classes of storage and of volume attributes. */
export const validateClassName = (name: string | undefined, path: string): FieldError[] =>
  name ? invalidEach(path, name, dns1123SubdomainErrors(name)) : []

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

/** `RWO,ROX`, in upstream's order. */
export const shortAccessModes = (modes: readonly string[] | undefined): string =>
  Object.entries(shortModes)
    .filter(([mode]) => (modes ?? []).includes(mode))
    .map(([, short]) => short)
    .join(',')

export const storageClassOf = (object: {
  metadata?: { annotations?: Readonly<Record<string, string | undefined>> | undefined } | undefined
  spec?: { storageClassName?: string | undefined } | undefined
}): string => object.metadata?.annotations?.[betaClass] ?? object.spec?.storageClassName ?? ''

export const betaClassOf = (object: {
  metadata?: { annotations?: Readonly<Record<string, string | undefined>> | undefined } | undefined
}): string | undefined => object.metadata?.annotations?.[betaClass]
