import type { LabelSelector } from 'kubernetes-types/meta/v1.js'

/**
 * Shapes of resource.k8s.io/v1, which kubernetes-types does not know yet; only what the rules ask about.
 */
export interface CelSelector {
  cel?: { expression: string }
}

export interface Opaque {
  opaque?: { driver: string; parameters: unknown }
}

export interface ClaimConfig extends Opaque {
  requests?: string[]
}

export interface Toleration {
  key?: string
  operator?: string
  value?: string
  effect?: string
  tolerationSeconds?: number
}

export interface DeviceRequestBody {
  deviceClassName: string
  selectors?: CelSelector[]
  allocationMode?: string
  count?: number
  adminAccess?: boolean
  tolerations?: Toleration[]
}

export interface DeviceRequest {
  name: string
  exactly?: DeviceRequestBody
  firstAvailable?: (DeviceRequestBody & { name: string })[]
}

export interface DeviceConstraint {
  requests?: string[]
  matchAttribute?: string
  distinctAttribute?: string
}

export interface DeviceClaim {
  requests?: DeviceRequest[]
  constraints?: DeviceConstraint[]
  config?: ClaimConfig[]
}

export interface ConsumerReference {
  apiGroup?: string
  resource: string
  name: string
  uid: string
}

export interface ResourceClaim {
  metadata: { name: string; namespace: string; deletionTimestamp: string }
  spec: { devices: DeviceClaim }
  status: {
    allocation?: { devices?: { results?: { request: string; driver: string; pool: string; device: string }[] } }
    reservedFor?: ConsumerReference[]
  }
}

export interface ResourceClaimTemplate {
  spec: {
    metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
    spec: ResourceClaim['spec']
  }
}

export interface DeviceClass {
  spec: { selectors?: CelSelector[]; config?: Opaque[] }
}

export interface Device {
  name: string
  attributes?: Record<string, Record<string, unknown>>
  capacity?: Record<string, { value: string }>
  taints?: { key: string; value?: string; effect: string }[]
}

export interface ResourceSlice {
  spec: {
    driver: string
    pool: { name: string; generation: number; resourceSliceCount: number }
    nodeName?: string
    nodeSelector?: { nodeSelectorTerms: { matchExpressions?: LabelSelector['matchExpressions'] }[] }
    allNodes?: boolean
    perDeviceNodeSelection?: boolean
    devices?: Device[]
    sharedCounters?: unknown[]
  }
}
