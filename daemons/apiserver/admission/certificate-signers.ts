import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js'
import { equalJson } from '../../../kube/patch/json-value.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { draftOf } from '../kinds/draft.ts'
import { forbid } from './forbid.ts'
import type { AdmissionPlugin, AdmissionRequest, AdmissionRoute } from './plugin.ts'

const group = 'certificates.k8s.io'

const isRequest = ({ kind, subresource }: AdmissionRoute, part: string): boolean =>
  kind.group === group && kind.plural === 'certificatesigningrequests' && subresource === part

const signerOf = ({ old, object }: AdmissionRequest): string =>
  draftOf<CertificateSigningRequest>(old ?? object ?? {}).spec?.signerName ?? ''

/** Rights to a signer are given by its name, or for all of its domain at once: `example.com/*`. */
const mayUse = (authorizer: Authorizer, { user }: AdmissionRequest, verb: string, signer: string): boolean =>
  [signer, `${signer.split('/')[0] ?? ''}/*`].some(
    name =>
      authorizer.authorize(user, {
        kind: 'resource',
        verb,
        group,
        plural: 'signers',
        subresource: '',
        namespace: '',
        name,
      }).decision === 'allow',
  )

/** Approving a request takes the right to approve for its signer. */
export const certificateApprovalPlugin = (authorizer: Authorizer): AdmissionPlugin => ({
  name: 'CertificateApproval',
  handles: route => isRequest(route, 'approval') && route.operation === 'update',
  validate: request => {
    const signer = signerOf(request)
    if (!mayUse(authorizer, request, 'approve', signer))
      throw forbid(request, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`)
  },
})

/** Putting a certificate into a request's status takes the right to sign for its signer. */
export const certificateSigningPlugin = (authorizer: Authorizer): AdmissionPlugin => ({
  name: 'CertificateSigning',
  handles: route => isRequest(route, 'status') && route.operation === 'update',
  validate: request => {
    const { object = {}, old = {} } = request
    const [after, before] = [draftOf<CertificateSigningRequest>(object), draftOf<CertificateSigningRequest>(old)]
    const { certificate, conditions } = after.status ?? {}
    if (certificate === before.status?.certificate && equalJson(conditions, before.status?.conditions)) return
    const signer = signerOf(request)
    if (!mayUse(authorizer, request, 'sign', signer))
      throw forbid(request, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`)
  },
})

const clientSigner = 'kubernetes.io/kube-apiserver-client'

/** Nobody becomes an administrator by a certificate that is asked for here. */
export const certificateSubjectRestrictionPlugin: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: route => isRequest(route, '') && route.operation === 'create',
  validate: request => {
    const spec = draftOf<CertificateSigningRequest>(request.object ?? {}).spec
    return spec?.signerName === clientSigner ? checkSubject(request, spec.request ?? '') : undefined
  },
}

const checkSubject = async (request: AdmissionRequest, encoded: string): Promise<void> => {
  await import('reflect-metadata')
  const { Pkcs10CertificateRequest } = await import('@peculiar/x509')
  let organizations: string[]
  try {
    organizations = new Pkcs10CertificateRequest(Buffer.from(encoded, 'base64').toString()).subjectName.getField('O')
  } catch {
    throw forbid(request, 'failed to parse CSR: PEM block type must be CERTIFICATE REQUEST')
  }
  if (organizations.includes('system:masters'))
    throw forbid(request, `use of ${clientSigner} signer with system:masters group is not allowed`)
}
