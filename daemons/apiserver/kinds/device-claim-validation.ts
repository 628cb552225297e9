import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceRequestBody,
  Opaque,
  CelSelector,
  Toleration,
} from './device-claim.ts'
import type { Draft } from './draft.ts'
import { duplicate, invalid, invalidEach, notSupported, required, tooLong, tooMany } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from './name-syntax.ts'

/** Upstream's limits of a claim (resource.k8s.io/v1). */
const maxRequests = 32
const maxConstraints = 32
const maxConfigs = 32
const maxSelectors = 32
const maxSubRequests = 8
const maxTolerations = 16
const maxParameterBytes = 10 * 1024
const maxExpressionBytes = 10 * 1024
const modes = ['All', 'ExactCount']

export const validateDriverName = (name: string | undefined, path: string): FieldError[] => {
  if (!name) return [required(path)]
  if (name.length > 63) return [tooLong(path, 63)]
  return invalidEach(path, name, dns1123SubdomainErrors(name))
}

const atMost = (list: readonly unknown[], max: number, path: string): FieldError[] =>
  list.length > max ? [tooMany(path, list.length, max)] : []

/** Presence and size; whether the expressions mean anything is another matter. */
export const validateCelSelectors = (selectors: Draft<CelSelector>[] | undefined, path: string): FieldError[] => {
  const list = selectors ?? []
  return [
    ...atMost(list, maxSelectors, path),
    ...list.flatMap(({ cel }, i) => {
      if (!cel) return [required(`${path}[${i}].cel`)]
      const { expression = '' } = cel
      if (expression === '') return [required(`${path}[${i}].cel.expression`)]
      return expression.length > maxExpressionBytes ? [tooLong(`${path}[${i}].cel.expression`, maxExpressionBytes)] : []
    }),
  ]
}

/** What a driver is told; Skiff passes it on as it is. */
export const validateOpaque = ({ opaque }: Draft<Opaque>, path: string): FieldError[] => {
  if (!opaque) return [required(path, 'exactly one field must be specified')]
  const { driver, parameters } = opaque
  const errors = validateDriverName(driver, `${path}.opaque.driver`)
  if (parameters === undefined || parameters === null) errors.push(required(`${path}.opaque.parameters`))
  else if (typeof parameters !== 'object' || Array.isArray(parameters))
    errors.push(invalid(`${path}.opaque.parameters`, '<value omitted>', 'must be a valid JSON object'))
  else if (Buffer.byteLength(JSON.stringify(parameters)) > maxParameterBytes)
    errors.push(tooLong(`${path}.opaque.parameters`, maxParameterBytes))
  return errors
}

const validateTolerations = (tolerations: Draft<Toleration>[] | undefined, path: string): FieldError[] => {
  const list = tolerations ?? []
  return [
    ...atMost(list, maxTolerations, path),
    ...list.flatMap(({ key = '', operator = '', value = '', effect }, i) => {
      const at = `${path}[${i}]`
      const errors = key === '' ? [] : invalidEach(`${at}.key`, key, qualifiedNameErrors(key))
      if (operator === 'Exists') {
        if (value !== '') errors.push(invalid(`${at}.value`, value, 'must be empty for operator `Exists`'))
      } else if (operator === 'Equal') errors.push(...invalidEach(`${at}.value`, value, labelValueErrors(value)))
      else
        errors.push(
          operator === '' ? required(`${at}.operator`) : notSupported(`${at}.operator`, operator, ['Equal', 'Exists']),
        )
      if (effect && !['NoExecute', 'NoSchedule'].includes(effect))
        errors.push(notSupported(`${at}.effect`, effect, ['NoExecute', 'NoSchedule']))
      return errors
    }),
  ]
}

const validateBody = (body: Draft<DeviceRequestBody>, path: string): FieldError[] => {
  const { deviceClassName = '', allocationMode = '', count = 0 } = body
  const errors =
    deviceClassName === ''
      ? [required(`${path}.deviceClassName`)]
      : invalidEach(`${path}.deviceClassName`, deviceClassName, dns1123SubdomainErrors(deviceClassName))
  errors.push(...validateCelSelectors(body.selectors, `${path}.selectors`))
  if (allocationMode === 'All') {
    if (count !== 0) errors.push(invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"))
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(invalid(`${path}.count`, count, 'must be greater than zero'))
  } else errors.push(notSupported(`${path}.allocationMode`, allocationMode, modes))
  return [...errors, ...validateTolerations(body.tolerations, `${path}.tolerations`)]
}

const validateName = (name: string, path: string): FieldError[] =>
  name === '' ? [required(path)] : invalidEach(path, name, dns1123LabelErrors(name))

const validateRequest = (request: Draft<DeviceRequest>, path: string): FieldError[] => {
  const { name = '', exactly, firstAvailable = [] } = request
  const errors = validateName(name, `${path}.name`)
  const both = exactly !== undefined && firstAvailable.length > 0
  if (both || (exactly === undefined && firstAvailable.length === 0))
    errors.push(
      both
        ? invalid(path, null, 'exactly one of `exactly` or `firstAvailable` is allowed, but multiple fields are set')
        : required(path, 'exactly one of `exactly` or `firstAvailable` is required'),
    )
  if (exactly && !both) errors.push(...validateBody(exactly, `${path}.exactly`))
  const names = firstAvailable.map(sub => sub.name ?? '')
  return [
    ...errors,
    ...atMost(firstAvailable, maxSubRequests, `${path}.firstAvailable`),
    ...firstAvailable.flatMap((sub, i) => {
      const at = `${path}.firstAvailable[${i}]`
      const repeated = names.indexOf(names[i] ?? '') < i ? [duplicate(`${at}.name`, names[i])] : []
      return [...validateName(names[i] ?? '', `${at}.name`), ...repeated, ...validateBody(sub, at)]
    }),
  ]
}

/** `gpu` and `gpu/small`: what constraints and configurations may speak of. */
const requestNames = (requests: readonly Draft<DeviceRequest>[]): Set<string> =>
  new Set(
    requests.flatMap(({ name = '', firstAvailable = [] }) => [
      name,
      ...firstAvailable.map(sub => `${name}/${sub.name ?? ''}`),
    ]),
  )

const validateNames = (names: string[] | undefined, path: string, known: ReadonlySet<string>): FieldError[] => {
  const list = names ?? []
  return [
    ...atMost(list, maxRequests, path),
    ...list.flatMap((name, i) => {
      if (list.indexOf(name) < i) return [duplicate(`${path}[${i}]`, name)]
      return known.has(name)
        ? []
        : [
            invalid(
              `${path}[${i}]`,
              name,
              "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
            ),
          ]
    }),
  ]
}

const validateConstraint = (row: Draft<DeviceConstraint>, path: string, known: ReadonlySet<string>): FieldError[] => {
  const { matchAttribute, distinctAttribute } = row
  const errors = validateNames(row.requests, `${path}.requests`, known)
  const name = matchAttribute ?? distinctAttribute
  const at = `${path}.${matchAttribute === undefined ? 'distinctAttribute' : 'matchAttribute'}`
  if (name === undefined)
    return [...errors, required(path, 'exactly one of `matchAttribute` or `distinctAttribute` is required')]
  if (!name.includes('/')) return [...errors, invalid(at, name, 'must include a domain')]
  return [...errors, ...invalidEach(at, name, qualifiedNameErrors(name))]
}

export const validateDeviceClaim = (claim: Draft<DeviceClaim>, path: string): FieldError[] => {
  const { requests = [], constraints = [], config = [] } = claim
  const known = requestNames(requests)
  const names = requests.map(request => request.name ?? '')
  return [
    ...atMost(requests, maxRequests, `${path}.requests`),
    ...requests.flatMap((request, i) => [
      ...validateRequest(request, `${path}.requests[${i}]`),
      ...(names.indexOf(names[i] ?? '') < i ? [duplicate(`${path}.requests[${i}].name`, names[i])] : []),
    ]),
    ...atMost(constraints, maxConstraints, `${path}.constraints`),
    ...constraints.flatMap((row, i) => validateConstraint(row, `${path}.constraints[${i}]`, known)),
    ...atMost(config, maxConfigs, `${path}.config`),
    ...config.flatMap((row, i) => [
      ...validateNames(row.requests, `${path}.config[${i}].requests`, known),
      ...validateOpaque(row, `${path}.config[${i}]`),
    ]),
  ]
}

const defaultBody = (body: Draft<DeviceRequestBody>): void => {
  body.allocationMode ||= 'ExactCount'
  if (body.allocationMode === 'ExactCount') body.count ||= 1
  for (const toleration of body.tolerations ?? []) toleration.operator ||= 'Equal'
}

export const defaultDeviceClaim = (claim: Draft<DeviceClaim> | undefined): void => {
  for (const { exactly, firstAvailable = [] } of claim?.requests ?? [])
    for (const body of [...(exactly ? [exactly] : []), ...firstAvailable]) defaultBody(body)
}
