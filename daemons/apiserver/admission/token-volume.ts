import type { Container, Pod, ServiceAccount, Volume } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import { type Draft, draftOf } from '../kinds/draft.ts'
import { generateName } from '../registry/object-metadata.ts'

const namePrefix = 'kube-api-access-'
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * What a program in a pod needs to reach the API: a token, whom to trust, and where it is. The seven seconds past an hour
 * are upstream's mark of a token that was mounted by itself. The mode is told, though it is the default, so that a pod
 * that went through other versions compares equal.
 */
const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
})

const mountsToken = ({ volumeMounts }: Draft<Container>): boolean =>
  (volumeMounts ?? []).some(mount => mount.mountPath === mountPath)

/** A volume that an earlier admission of the same pod has added, told by its name alone, as upstream tells it. */
const addedVolume = (volumes: readonly Draft<Volume>[]): string | undefined =>
  volumes.find(({ name }) => name?.startsWith(namePrefix))?.name

/**
 * Mounts the API's credentials into every container that has nothing else in their place, as upstream's ServiceAccount
 * admission does; the pod or its account may say no, the pod before its account. Ephemeral containers get none: a pod is
 * made without them. Changes the pod in place.
 */
export const mountToken = (object: UnknownObject, account: UnknownObject): void => {
  const { spec } = draftOf<Pod>(object)
  const wanted =
    spec?.automountServiceAccountToken ?? draftOf<ServiceAccount>(account).automountServiceAccountToken ?? true
  if (!wanted || spec === undefined) return
  const volumes = (spec.volumes ??= [])
  const known = addedVolume(volumes)
  const name = known ?? generateName(namePrefix)
  const without = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter(each => !mountsToken(each))
  for (const container of without)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
  if (known === undefined && without.length > 0) volumes.push(tokenVolume(name))
  if (volumes.length === 0) delete spec.volumes
}
