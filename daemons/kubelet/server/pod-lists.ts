import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubeletView } from '../kubelet-view.ts'

interface PodList {
  kind: 'PodList'
  apiVersion: 'v1'
  metadata: Record<string, never>
  items: readonly Pod[]
}

export const podList = (items: readonly Pod[]): PodList => ({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items })

/** Pods with at least one running container; of each container only what runs, as upstream's endpoint has it. */
export const runningPodList = (view: KubeletView): PodList =>
  podList(
    view.pods().flatMap(pod => {
      const { name = '', namespace = '', uid } = pod.metadata ?? {}
      const containers = (pod.spec?.containers ?? [])
        .filter(container => view.container(namespace, name, uid, container.name)?.running === true)
        .map(container => ({ name: container.name, image: container.image ?? '', resources: {} }))
      if (containers.length === 0) return []
      return [
        { metadata: { name, namespace, ...(uid === undefined ? {} : { uid }) }, spec: { containers }, status: {} },
      ]
    }),
  )
