import type { Container, PodSpec } from 'kubernetes-types/core/v1.js'
import { quantityToMilli } from '../../../kube/quantity.ts'
import type { Draft } from './draft.ts'

const counted = ['cpu', 'memory'] as const

const isPositive = (text: string | undefined): boolean => {
  if (text === undefined) return false
  try {
    return quantityToMilli(text) > 0
  } catch {
    return false
  }
}

/** Only cpu and memory count: Guaranteed when every container's requests are its limits, BestEffort when none has any. */
export const qosClass = (spec: Draft<PodSpec>): 'Guaranteed' | 'Burstable' | 'BestEffort' => {
  let any = false
  let guaranteed = true
  const look = (container: Draft<Container>): void => {
    for (const name of counted) {
      const request = container.resources?.requests?.[name]
      const limit = container.resources?.limits?.[name]
      any ||= isPositive(request) || isPositive(limit)
      guaranteed &&= isPositive(limit) && request === limit
    }
  }
  spec.containers?.forEach(look)
  spec.initContainers?.forEach(look)
  if (!any) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
