import type { Pod, Volume } from 'kubernetes-types/core/v1.js'
import type { Draft } from '../../kinds/draft.ts'

const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** Kinds that a node may read because a pod of its needs them. */
export type ReferencePlural = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts'

/** `secrets/NAMESPACE/NAME` */
export const referenceKey = (plural: ReferencePlural, namespace: string, name: string): string =>
  `${plural}/${namespace}/${name}`

type Note = (plural: ReferencePlural, name: string | undefined) => void

const noteVolume = (volume: Draft<Volume>, podName: string, note: Note): void => {
  note('configmaps', volume.configMap?.name)
  note('secrets', volume.secret?.secretName)
  note('secrets', volume.azureFile?.secretName)
  const { csi, cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos } = volume
  note('secrets', csi?.nodePublishSecretRef?.name)
  for (const source of [cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos])
    note('secrets', source?.secretRef?.name)
  for (const source of volume.projected?.sources ?? []) {
    note('configmaps', source.configMap?.name)
    note('secrets', source.secret?.name)
  }
  note('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName)
  // The claim of an ephemeral volume is named after its pod.
  if (volume.ephemeral) note('persistentvolumeclaims', `${podName}-${volume.name ?? ''}`)
}

/** Tells each thing that a pod refers to; names may be missing. */
const noteReferences = ({ metadata, spec }: Draft<Pod>, note: Note): void => {
  note('serviceaccounts', spec?.serviceAccountName)
  for (const secret of spec?.imagePullSecrets ?? []) note('secrets', secret.name)
  const containers = [spec?.containers, spec?.initContainers, spec?.ephemeralContainers].flatMap(list => list ?? [])
  for (const { env, envFrom } of containers) {
    for (const source of envFrom ?? []) {
      note('configmaps', source.configMapRef?.name)
      note('secrets', source.secretRef?.name)
    }
    for (const { valueFrom } of env ?? []) {
      note('configmaps', valueFrom?.configMapKeyRef?.name)
      note('secrets', valueFrom?.secretKeyRef?.name)
    }
  }
  for (const volume of spec?.volumes ?? []) noteVolume(volume, metadata?.name ?? '', note)
}

/** What a pod refers to, as keys; nothing for a mirror pod, which only shows what a node runs by itself. */
export const podReferences = (pod: Draft<Pod>): Set<string> => {
  const found = new Set<string>()
  const { namespace = '', annotations } = pod.metadata ?? {}
  if (annotations?.[mirrorAnnotation] !== undefined) return found
  noteReferences(pod, (plural, name) => {
    if (name) found.add(referenceKey(plural, namespace, name))
  })
  return found
}

/** Whether anything in a pod names a Secret, be it a mirror pod or not. */
export const refersToSecrets = (pod: Draft<Pod>): boolean => {
  let found = false
  noteReferences(pod, (plural, name) => (found ||= plural === 'secrets' && Boolean(name)))
  return found
}
