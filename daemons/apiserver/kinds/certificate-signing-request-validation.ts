import { X509Certificate } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from 'kubernetes-types/certificates/v1.js'
import { certificateRequestError } from './certificate-request.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalid, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateSignerName } from './signer-name.ts'

type Request = Draft<CertificateSigningRequest>
export type Condition = Draft<CertificateSigningRequestCondition>

const usages = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment',
  'decipher only', 'digital signature', 'email protection', 'encipher only', 'ipsec end system', 'ipsec tunnel',
  'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime',
  'server auth', 'signing', 'timestamping',
] // prettier-ignore
const minSeconds = 600
const legacySigner = 'kubernetes.io/legacy-unknown'
const conditionsPath = 'status.conditions'

const validateSpec = ({ spec = {} }: Request): FieldError[] => {
  const { request = '', usages: wanted = [], signerName, expirationSeconds: seconds } = spec
  const problem = certificateRequestError(Buffer.from(request, 'base64').toString())
  const errors = problem === undefined ? [] : [invalid('spec.request', request, problem)]
  if (wanted.length === 0) errors.push(required('spec.usages', 'usages must be provided'))
  for (const [i, usage] of wanted.entries()) {
    if (!usages.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, usages))
    if (wanted.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage))
  }
  if (signerName === legacySigner)
    errors.push(invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version'))
  else errors.push(...validateSignerName(signerName, 'spec.signerName'))
  if (seconds !== undefined && seconds < minSeconds)
    errors.push(
      invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'),
    )
  return errors
}

const onlyTrue = new Set(['Approved', 'Denied', 'Failed'])

const validateConditions = (conditions: readonly Condition[]): FieldError[] => {
  const types = conditions.map(condition => condition.type ?? '')
  return conditions.flatMap(({ type = '', status = '' }, i) => {
    const at = `${conditionsPath}[${i}]`
    const errors: FieldError[] = []
    const statuses = onlyTrue.has(type) ? ['True'] : ['False', 'True', 'Unknown']
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined
    if (type === '') errors.push(required(`${at}.type`))
    if (status === '') errors.push(required(`${at}.status`))
    else if (!statuses.includes(status)) errors.push(notSupported(`${at}.status`, status, statuses))
    if (opposite !== undefined && types.slice(0, i).includes(opposite))
      errors.push(invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive'))
    if (types.indexOf(type) < i) errors.push(duplicate(`${at}.type`, type))
    return errors
  })
}

const certificateError = (pem: string): string | undefined => {
  const blocks = [...pem.matchAll(/-----BEGIN ([^-]+)-----[\s\S]*?-----END \1-----/g)]
  if (blocks.length === 0) return 'must contain one or more CERTIFICATE PEM blocks'
  for (const [text, type] of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`
    try {
      new X509Certificate(text)
    } catch {
      return 'found a CERTIFICATE PEM block which cannot be parsed'
    }
  }
  return undefined
}

const validateCertificate = ({ status }: Request): FieldError[] => {
  if (!status?.certificate) return []
  const problem = certificateError(Buffer.from(status.certificate, 'base64').toString())
  return problem === undefined ? [] : [invalid('status.certificate', '<certificate data>', problem)]
}

export const validateRequest = (request: Request): FieldError[] => [
  ...validateSpec(request),
  ...validateConditions(request.status?.conditions ?? []),
  ...validateCertificate(request),
]

const changesOfConditions = (next: Request, old: Request, mayApprove: boolean): FieldError[] => {
  const ofType = (request: Request, type: string) =>
    (request.status?.conditions ?? []).filter(condition => condition.type === type)
  return ['Approved', 'Denied', 'Failed'].flatMap(type => {
    const after = ofType(next, type)
    const before = ofType(old, type)
    const say = (verb: string) => [forbidden(conditionsPath, `updates may not ${verb} a condition of type "${type}"`)]
    if (after.length < before.length) return say('remove')
    if (mayApprove || type === 'Failed') return []
    if (after.length > before.length) return say('add')
    return isDeepStrictEqual(after, before) ? [] : say('modify')
  })
}

/** Who decides and who signs are not the same: each subresource may change its own half of the status. */
export const validateRequestUpdate = (
  next: Request,
  old: Request,
  { mayApprove, maySign }: { mayApprove: boolean; maySign: boolean },
): FieldError[] => {
  const errors = [...validateRequest(next), ...changesOfConditions(next, old, mayApprove)]
  const before = old.status?.certificate ?? ''
  if ((next.status?.certificate ?? '') === before) return errors
  if (before !== '') errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'))
  else if (!maySign) errors.push(forbidden('status.certificate', 'updates may not set certificate content'))
  return errors
}
