import type { Pod, ServiceAccount } from 'kubernetes-types/core/v1.js'
import type { Clock } from '../../../kube/clock.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { refersToSecrets } from '../auth/node/pod-references.ts'
import { type Draft, draftOf } from '../kinds/draft.ts'
import { forbid, writes } from './forbid.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from './plugin.ts'
import { mountToken } from './token-volume.ts'

const mirrorAnnotation = 'kubernetes.io/config.mirror'
const attempts = 10
const intervalMs = 100

/**
 * Gives a pod the default account, and refuses one that does not exist. `mountTokens`: the server issues tokens, and
 * pods get one mounted unless they or their account say no.
 */
export const serviceAccountPlugin = (clock: Clock, mountTokens: boolean): AdmissionPlugin => ({
  name: 'ServiceAccount',
  handles: route => writes(route, '', 'pods') && route.operation === 'create',
  admit: (request, reader) => {
    if (request.object === undefined) return
    const pod = draftOf<Pod>(request.object)
    if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined) return checkMirror(request, pod)
    const spec = (pod.spec ??= {})
    const name = (spec.serviceAccountName ||= 'default')
    spec.serviceAccount = name
    const account = find(request, reader, name)
    if (account !== undefined) return admitWith(request.object, account, mountTokens)
    // A controller makes the default account a moment after the namespace: whoever comes in between waits for it.
    if (name === 'default') return waitFor({ clock, mountTokens }, request, reader)
    throw missing(request, name)
  },
})

/** Mirror pods only show what a node runs by itself: they have no account, and nothing the API would have to give. */
const checkMirror = (request: AdmissionRequest, pod: Draft<Pod>): void => {
  if (pod.spec?.serviceAccountName) throw forbid(request, 'a mirror pod may not reference service accounts')
  if (refersToSecrets(pod)) throw forbid(request, 'a mirror pod may not reference secrets')
  const sources = (pod.spec?.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? [])
  if (sources.some(({ serviceAccountToken }) => serviceAccountToken !== undefined))
    throw forbid(request, 'a mirror pod may not use ServiceAccountToken volume projections')
}

const find = ({ namespace }: AdmissionRequest, reader: AdmissionReader, name: string): UnknownObject | undefined =>
  reader.get('', 'serviceaccounts', namespace, name)

const missing = (request: AdmissionRequest, name: string) =>
  forbid(
    request,
    `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
  )

const waitFor = async (
  { clock, mountTokens }: { clock: Clock; mountTokens: boolean },
  request: AdmissionRequest,
  reader: AdmissionReader,
): Promise<void> => {
  for (let attempt = 1; attempt < attempts; attempt++) {
    await clock.sleep(intervalMs)
    const account = find(request, reader, 'default')
    if (account !== undefined && request.object !== undefined) return admitWith(request.object, account, mountTokens)
  }
  throw missing(request, 'default')
}

/** The account's pull secrets are the pod's, where it names none. */
const admitWith = (object: UnknownObject, account: UnknownObject, mountTokens: boolean): void => {
  if (mountTokens) mountToken(object, account)
  const { imagePullSecrets } = draftOf<ServiceAccount>(account)
  const spec = draftOf<Pod>(object).spec
  if (spec && !spec.imagePullSecrets?.length && imagePullSecrets?.length)
    spec.imagePullSecrets = structuredClone(imagePullSecrets)
}
