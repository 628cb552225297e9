import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import { ageColumn, column, nameColumn } from './column.ts'
import { validateRequest, validateRequestUpdate } from './certificate-signing-request-validation.ts'
import type { Condition } from './certificate-signing-request-validation.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { humanDuration } from './human-duration.ts'
import type { Kind, StrategyContext } from './kind.ts'

type Request = Draft<CertificateSigningRequest>

/** Who asks is what the server found out, never what the request says of itself. */
const prepareForCreate = (object: UnknownObject, context?: StrategyContext): void => {
  const request = draftOf<CertificateSigningRequest>(object)
  request.status = {}
  const { username: _, uid: __, groups: ___, extra: ____, ...asked } = request.spec ?? {}
  request.spec = asked
  if (context === undefined) return
  const { name, uid, groups, extra = {} } = context.user
  request.spec.username = name
  if (uid !== undefined) request.spec.uid = uid
  if (groups.length > 0) request.spec.groups = [...groups]
  if (Object.keys(extra).length > 0)
    request.spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))
}

/** A condition without times gets them; one whose status stays keeps the time of its last transition. */
const withTimes = (condition: Condition, before: readonly Condition[], now: string): Condition => {
  const same = before.find(({ type, status }) => type === condition.type && status === condition.status)
  return {
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? now,
    lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
  }
}

const isDecision = ({ type }: Condition): boolean => type === 'Approved' || type === 'Denied'

const withStatus = (wanted: UnknownObject, live: UnknownObject, pick: (wanted: Request, live: Request) => object) => {
  const next = draftOf<CertificateSigningRequest>(wanted)
  const before = draftOf<CertificateSigningRequest>(live)
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  const earlier = before.status?.conditions ?? []
  const status = pick(next, before) as { conditions?: Condition[] }
  const conditions = status.conditions?.map(condition => withTimes(condition, earlier, now))
  // Labels and annotations may be written on the way, as at any status of the older groups.
  const metadata = wanted.metadata ?? {}
  return {
    ...structuredClone(live),
    metadata,
    status: { ...status, ...(conditions === undefined ? {} : { conditions }) },
  }
}

/** A decision that stands is kept as it is, where the signer leaves it out of what it writes or repeats it. */
const statusOfSigner = (wanted: Request, live: Request): object => {
  const decided = (live.status?.conditions ?? []).filter(isDecision)
  const conditions = (wanted.status?.conditions ?? []).map(
    condition =>
      decided.find(({ type, status }) => type === condition.type && status === condition.status) ?? condition,
  )
  return { ...wanted.status, ...(conditions.length > 0 ? { conditions } : {}) }
}

const statusCell = ({ status }: Request): string => {
  const has = (type: string) => (status?.conditions ?? []).some(condition => condition.type === type)
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return [decision, ...(has('Failed') ? ['Failed'] : []), ...(status?.certificate ? ['Issued'] : [])].join(',')
}

export const certificateSigningRequestKind: Kind = {
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.certificates.v1.CertificateSigningRequest',
  hasStatus: true,
  subresources: ['approval'],
  parts: {
    approval: {
      take: (wanted, live) =>
        withStatus(wanted, live, (next, before) => ({
          ...before.status,
          ...(next.status?.conditions === undefined ? { conditions: [] } : { conditions: next.status.conditions }),
        })),
      validate: (object, old) =>
        validateRequestUpdate(draftOf<CertificateSigningRequest>(object), draftOf<CertificateSigningRequest>(old), {
          mayApprove: true,
          maySign: false,
        }),
    },
    status: {
      take: (wanted, live) => withStatus(wanted, live, statusOfSigner),
      validate: (object, old) =>
        validateRequestUpdate(draftOf<CertificateSigningRequest>(object), draftOf<CertificateSigningRequest>(old), {
          mayApprove: false,
          maySign: true,
        }),
    },
  },
  generationFields: [],
  prepareForCreate,
  // What was asked for never changes: an update of it is heard and not heeded, as upstream does.
  prepareForUpdate: (object, old) => {
    if (old['spec'] !== undefined) object['spec'] = structuredClone(old['spec'])
  },
  validate: object => validateRequest(draftOf<CertificateSigningRequest>(object)),
  selectableFields: { 'spec.signerName': object => draftOf<CertificateSigningRequest>(object).spec?.signerName ?? '' },
  columns: [
    nameColumn,
    ageColumn,
    column<CertificateSigningRequest>('SignerName', 'Who is to sign.', o => o.spec?.signerName || '<none>'),
    column<CertificateSigningRequest>('Requestor', 'Who asks.', o => o.spec?.username ?? ''),
    column<CertificateSigningRequest>('RequestedDuration', 'For how long.', o =>
      o.spec?.expirationSeconds === undefined ? '<none>' : humanDuration(o.spec.expirationSeconds * 1000),
    ),
    column<CertificateSigningRequest>('Condition', 'What has become of it.', statusCell),
  ],
}
