import type {
  Container,
  EnvVar,
  Lifecycle,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
  Volume,
} from 'kubernetes-types/core/v1.js'
import { canonicalQuantity } from './canonical-quantity.ts'
import type { Draft } from './draft.ts'

const fileMode0644 = 420

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const referencePattern = new RegExp(
  `^(?:[A-Za-z0-9][-A-Za-z0-9.]*(?::\\d+)?/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][\\w+.-]*:[0-9a-fA-F]{32,})?$`,
)
const maxImageName = 255

/** `Always` for `latest` and for no tag, unless a digest pins the image; what names no image is left to the kubelet. */
export const pullPolicyFor = (image: string): 'Always' | 'IfNotPresent' => {
  if (!referencePattern.test(image) || image.length > maxImageName) return 'IfNotPresent'
  const [reference = '', digest] = image.split('@')
  const tag = /:([^/:]+)$/.exec(reference)?.[1]
  if (tag === undefined) return digest === undefined ? 'Always' : 'IfNotPresent'
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

const defaultProbe = (probe: Draft<Probe> | undefined): void => {
  if (!probe) return
  // Zero counts as unset here: upstream's fields are plain integers.
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

const defaultHttpGet = (action: Draft<Probe>['httpGet']): void => {
  if (!action) return
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

const defaultLifecycle = (lifecycle: Draft<Lifecycle> | undefined): void => {
  defaultHttpGet(lifecycle?.postStart?.httpGet)
  defaultHttpGet(lifecycle?.preStop?.httpGet)
}

const defaultEnv = (env: Draft<EnvVar>[] | undefined): void => {
  for (const variable of env ?? []) {
    const from = variable.valueFrom
    if (from?.fieldRef) from.fieldRef.apiVersion ||= 'v1'
    if (from?.resourceFieldRef) from.resourceFieldRef.divisor ||= '0'
  }
}

const canonicalize = (list: Record<string, string | undefined> | undefined): void => {
  for (const name in list) {
    const text = list[name]
    // A number is accepted for a quantity on the wire, and served as a string.
    if (text !== undefined && text !== null) list[name] = canonicalQuantity(String(text))
  }
}

const defaultResources = (resources: Draft<ResourceRequirements>): void => {
  canonicalize(resources.limits)
  canonicalize(resources.requests)
}

const defaultContainer = (container: Draft<Container>): void => {
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.imagePullPolicy ||= pullPolicyFor(container.image ?? '')
  container.resources ??= {}
  defaultResources(container.resources)
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  defaultEnv(container.env)
  defaultProbe(container.livenessProbe)
  defaultProbe(container.readinessProbe)
  defaultProbe(container.startupProbe)
  defaultLifecycle(container.lifecycle)
}

const defaultFieldRefs = (items: Draft<Volume>['downwardAPI'] | undefined): void => {
  for (const item of items?.items ?? []) {
    if (item.fieldRef) item.fieldRef.apiVersion ||= 'v1'
    if (item.resourceFieldRef) item.resourceFieldRef.divisor ||= '0'
  }
}

const defaultVolume = (volume: Draft<Volume>): void => {
  // A volume that names no source is an empty directory.
  if (Object.keys(volume).every(key => key === 'name')) volume.emptyDir = {}
  if (volume.secret) volume.secret.defaultMode ??= fileMode0644
  if (volume.configMap) volume.configMap.defaultMode ??= fileMode0644
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.downwardAPI) volume.downwardAPI.defaultMode ??= fileMode0644
  defaultFieldRefs(volume.downwardAPI)
  if (volume.projected) {
    volume.projected.defaultMode ??= fileMode0644
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
      defaultFieldRefs(source.downwardAPI)
    }
  }
  const size = volume.emptyDir?.sizeLimit
  if (volume.emptyDir && size) volume.emptyDir.sizeLimit = canonicalQuantity(String(size))
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim) claim.volumeMode ??= 'Filesystem'
}

/** What a pod and a pod template share. */
export const defaultPodSpec = (spec: Draft<PodSpec>): void => {
  spec.restartPolicy ||= 'Always'
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.schedulerName ||= 'default-scheduler'
  spec.terminationGracePeriodSeconds ??= 30
  spec.securityContext ??= {}
  // The old name of the field is served beside the new one.
  const account = spec.serviceAccountName || spec.serviceAccount
  if (account) spec.serviceAccountName = spec.serviceAccount = account
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
  for (const container of spec.initContainers ?? []) defaultContainer(container)
  for (const container of spec.containers ?? []) defaultContainer(container)
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container)
  canonicalize(spec.overhead)
}

/** In place; the template of a workload, which is there even if nothing is in it. */
export const defaultPodTemplate = (holder: { template?: Draft<PodTemplateSpec> | undefined }): void => {
  const template = (holder.template ??= {})
  template.metadata ??= {}
  template.spec ??= {}
  defaultPodSpec(template.spec)
}

const requestsFromLimits = (resources: Draft<ResourceRequirements> | undefined): void => {
  if (!resources?.limits) return
  for (const name of Object.keys(resources.limits)) {
    const limit = resources.limits[name]
    if (limit === undefined) continue
    resources.requests ??= {}
    resources.requests[name] ??= limit
  }
}

/** In place. Some defaults belong to pods alone: a template keeps them open. */
export const defaultPod = (pod: Draft<Pod>): void => {
  const spec = (pod.spec ??= {})
  for (const containers of [spec.initContainers, spec.containers])
    for (const container of containers ?? []) {
      requestsFromLimits(container.resources)
      if (spec.hostNetwork === true) for (const port of container.ports ?? []) port.hostPort ||= port.containerPort
    }
  spec.enableServiceLinks ??= true
  defaultPodSpec(spec)
}
