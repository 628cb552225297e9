import type { SubjectAccessReview } from 'kubernetes-types/authorization/v1.js'
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js'
import { readFileSync } from 'node:fs'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { Resource } from '../../../kube/resource.ts'
import { certificateSigningRequests } from '../../../kube/resources.ts'
import { timestamp, type ControllerContext, type StartController } from '../controller-context.ts'
import { applyWrite, updateWrite } from '../write.ts'
import { signerError, signers } from './signer-rules.ts'

/** A question: it can only be created. Not one of kube/resources.ts, whose objects are listed and watched. */
const subjectAccessReviews: Resource<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
}

const backdateMs = 5 * 60_000
const refusedRetryMs = 60_000

/** Loaded when the first request comes: most clusters have none. */
const lazyRequests = () => import('./certificate-request.ts')

const textOf = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString()

const has = (csr: CertificateSigningRequest, type: string): boolean =>
  (csr.status?.conditions ?? []).some(condition => condition.type === type)

const withCondition = (
  csr: CertificateSigningRequest,
  condition: { type: string; reason: string; message: string },
  nowMs: number,
): CertificateSigningRequest => ({
  ...csr,
  status: {
    ...csr.status,
    conditions: [...(csr.status?.conditions ?? []), { ...condition, status: 'True', lastUpdateTime: timestamp(nowMs) }],
  },
})

const readSigningFile = (flag: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--${flag} ${file}: ${messageOf(cause)}`, { cause })
  }
}

/** Signs what was approved, with the CA of --cluster-signing-cert-file; without the flag it does nothing. */
export const startCsrSigningController: StartController = context => {
  const { informers, client, signal, clock, options } = context
  if (options.clusterSigningCertFile === '') return
  const authority = {
    certificate: readSigningFile('cluster-signing-cert-file', options.clusterSigningCertFile),
    key: readSigningFile('cluster-signing-key-file', options.clusterSigningKeyFile),
  }
  let signer: Promise<Awaited<ReturnType<Awaited<ReturnType<typeof lazyRequests>>['makeSigner']>>> | undefined
  const requests = informers.of(certificateSigningRequests)
  const served: readonly string[] = Object.values(signers)
  const isDue = (csr: CertificateSigningRequest): boolean =>
    served.includes(csr.spec.signerName) && has(csr, 'Approved') && !has(csr, 'Failed') && !csr.status?.certificate

  const queue = context.startQueue('certificate', 1, async name => {
    const csr = requests.get(name)
    if (csr === undefined || !isDue(csr)) return
    const { readRequest, makeSigner } = await lazyRequests()
    const { usages = [], signerName, expirationSeconds } = csr.spec
    const pem = textOf(csr.spec.request)
    const problem = signerError(signerName, readRequest(pem), usages)
    const nowMs = clock.now()
    let next: CertificateSigningRequest
    if (problem !== undefined)
      next = withCondition(csr, { type: 'Failed', reason: 'SignerValidationFailure', message: problem }, nowMs)
    else {
      signer ??= makeSigner(authority)
      const lifeMs = Math.min((expirationSeconds ?? Infinity) * 1000, options.clusterSigningDuration)
      // A clock that runs behind elsewhere must not find it "not yet valid".
      const notBefore = new Date(nowMs - backdateMs)
      const certificate = await (await signer)({ request: pem, usages, notBefore, notAfter: new Date(nowMs + lifeMs) })
      next = { ...csr, status: { ...csr.status, certificate: Buffer.from(certificate).toString('base64') } }
    }
    await applyWrite(client, updateWrite(certificateSigningRequests, next, 'status'), signal)
  })
  const enqueue = (csr: CertificateSigningRequest): void => {
    if (isDue(csr)) queue.add(csr.metadata?.name ?? '')
  }
  requests.subscribe({ added: enqueue, updated: enqueue })
}

interface Recognized {
  subresource: 'selfnodeclient' | 'nodeclient'
  message: string
}

const mayAsk = async (
  { client, signal }: ControllerContext,
  { spec }: CertificateSigningRequest,
  subresource: string,
): Promise<boolean> => {
  const { username = '', uid = '', groups = [], extra = {} } = spec
  const review = await client.create(
    subjectAccessReviews,
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: username,
        uid,
        groups,
        extra,
        resourceAttributes: {
          group: 'certificates.k8s.io',
          resource: 'certificatesigningrequests',
          verb: 'create',
          subresource,
          version: '*',
        },
      },
    },
    { signal },
  )
  return review.status?.allowed === true
}

/** Approves the client certificates of kubelets, for whoever may ask for them; everything else is left to people. */
export const startCsrApprovingController: StartController = context => {
  const { informers, client, signal, clock } = context
  const requests = informers.of(certificateSigningRequests)
  const isDue = (csr: CertificateSigningRequest): boolean =>
    csr.spec.signerName === signers.kubeletClient &&
    !has(csr, 'Approved') &&
    !has(csr, 'Denied') &&
    !csr.status?.certificate

  const queue = context.startQueue('csr_approving', 1, async name => {
    const csr = requests.get(name)
    if (csr === undefined || !isDue(csr)) return
    const { readRequest } = await lazyRequests()
    const asked = readRequest(textOf(csr.spec.request))
    if (signerError(signers.kubeletClient, asked, csr.spec.usages ?? []) !== undefined) return
    const own: Recognized = {
      subresource: 'selfnodeclient',
      message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
    }
    const any: Recognized = {
      subresource: 'nodeclient',
      message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    }
    for (const { subresource, message } of csr.spec.username === asked.commonName ? [own, any] : [any]) {
      if (!(await mayAsk(context, csr, subresource))) continue
      const next = withCondition(csr, { type: 'Approved', reason: 'AutoApproved', message }, clock.now())
      await applyWrite(client, updateWrite(certificateSigningRequests, next, 'approval'), signal)
      return
    }
    // Who may ask changes with roles, which nobody here watches.
    queue.addAfter(name, refusedRetryMs)
  })
  const enqueue = (csr: CertificateSigningRequest): void => {
    if (isDue(csr)) queue.add(csr.metadata?.name ?? '')
  }
  requests.subscribe({ added: enqueue, updated: enqueue })
}
