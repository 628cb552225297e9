import type { PodSpec } from 'kubernetes-types/core/v1.js'
import { quantityToMilli } from '../../../kube/quantity.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const positive = (text: string | undefined): number => (text === undefined ? 0 : quantityToMilli(text))

/** Upstream's quality-of-service class: from the cpu and memory requests and limits of every container. Pure. */
export const qosClassOf = (spec: PodSpec): QosClass => {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  let any = false
  let guaranteed = true
  for (const { resources } of containers)
    for (const name of ['cpu', 'memory']) {
      const limit = positive(resources?.limits?.[name])
      // A limit without a request is a request of the same size (the API server's defaulting does the same).
      const request = resources?.requests?.[name] === undefined ? limit : positive(resources.requests[name])
      if (limit > 0 || request > 0) any = true
      if (limit === 0 || request !== limit) guaranteed = false
    }
  if (!any) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
