import { apiError, type ApiError, type StatusCause } from '../../../kube/status.ts'
import type { FieldError, Kind } from '../kinds/kind.ts'

type Row = Pick<Kind, 'group' | 'plural' | 'kind'>

/** `pods`, `deployments.apps`: how upstream's messages name a resource. */
export const qualifiedResource = ({ group, plural }: Pick<Row, 'group' | 'plural'>): string =>
  group === '' ? plural : `${plural}.${group}`

const details = (row: Row, name: string) => ({
  ...(name === '' ? {} : { name }),
  ...(row.group === '' ? {} : { group: row.group }),
  kind: row.plural,
})

export const notFound = (row: Row, name: string): ApiError =>
  apiError('NotFound', `${qualifiedResource(row)} ${JSON.stringify(name)} not found`, details(row, name))

export const alreadyExists = (row: Row, name: string): ApiError =>
  apiError('AlreadyExists', `${qualifiedResource(row)} ${JSON.stringify(name)} already exists`, details(row, name))

export const modified = 'the object has been modified; please apply your changes to the latest version and try again'

export const conflict = (row: Row, name: string, why: string = modified): ApiError =>
  apiError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(row)} ${JSON.stringify(name)}: ${why}`,
    details(row, name),
  )

export const forbidden = (row: Row, name: string, why: string, causes?: StatusCause[]): ApiError =>
  apiError('Forbidden', `${qualifiedResource(row)} ${JSON.stringify(name)} is forbidden: ${why}`, {
    ...details(row, name),
    ...(causes === undefined ? {} : { causes }),
  })

/** Every failed rule becomes a cause; the message lists them as upstream does: one plain, several in brackets. */
export const invalid = (
  { kind, ...row }: Pick<Kind, 'group' | 'kind' | 'storedAs'>,
  name: string,
  errors: readonly FieldError[],
): ApiError => {
  // Two groups may share one strategy: what it refuses is named by the group that it stores.
  const group = row.storedAs?.group ?? row.group
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))]
  const subject = group === '' ? kind : `${kind}.${group}`
  return apiError(
    'Invalid',
    `${subject} ${JSON.stringify(name)} is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      kind,
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  )
}

/** `what` is named by resource and subresource: `pods/proxy`. */
export const notImplemented = (row: Row, subresource: string): ApiError =>
  apiError('NotImplemented', `Skiff does not implement ${qualifiedResource(row)}/${subresource} yet`, details(row, ''))
