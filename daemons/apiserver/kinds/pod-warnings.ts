import type {
  Container,
  ContainerPort,
  Pod,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  ProjectedVolumeSource,
} from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { deprecatedLabel, termWarning, termWarnings } from './node-label-warnings.ts'
import { claimSpecWarnings, fractionWarning, sourceWarnings } from './storage-warnings.ts'

type Spec = Draft<PodSpec>
type Annotations = Readonly<Record<string, string | undefined>>
type Row = Draft<Container>

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}
const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod'
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/'
const containerAppArmor = 'container.apparmor.security.beta.kubernetes.io/'
const seccompText = 'non-functional in v1.27+; use the "seccompProfile" field instead'

/** Every container of a spec with its path. */
const containersOf = (spec: Spec, path: string): [Row, string][] =>
  (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap(field =>
    (spec[field] ?? []).map((container, i): [Row, string] => [container, `${path}.${field}[${i}]`]),
  )

const nullSelectors = (terms: readonly (Draft<PodAffinityTerm> | undefined)[], at: (i: number) => string): string[] =>
  terms.flatMap((term, i) =>
    term?.labelSelector ? [] : [`${at(i)}.labelSelector: a null labelSelector results in matching no pod`],
  )

const placement = (spec: Spec, path: string): string[] => {
  const warnings: string[] = []
  for (const key in spec.nodeSelector) {
    const text = deprecatedLabel(key)
    if (text !== undefined) warnings.push(`${path}.nodeSelector[${key}]: ${text}`)
  }
  const node = spec.affinity?.nodeAffinity
  const at = `${path}.affinity`
  const [hard, soft] = ['requiredDuringSchedulingIgnoredDuringExecution', 'preferredDuringSchedulingIgnoredDuringExecution'] as const // prettier-ignore
  warnings.push(...termWarnings(node?.[hard]?.nodeSelectorTerms, `${at}.nodeAffinity.${hard}.nodeSelectorTerms`))
  for (const [i, term] of (node?.[soft] ?? []).entries())
    warnings.push(...termWarning(term.preference, `${at}.nodeAffinity.${soft}[${i}].preference`))
  for (const [i, row] of (spec.topologySpreadConstraints ?? []).entries()) {
    const key = row.topologyKey ?? ''
    const text = deprecatedLabel(key)
    const where = `${path}.topologySpreadConstraints[${i}]`
    if (text !== undefined) warnings.push(`${where}.topologyKey: ${key} is ${text}`)
    if (!row.labelSelector) warnings.push(`${where}.labelSelector: a null labelSelector results in matching no pod`)
  }
  for (const side of ['podAffinity', 'podAntiAffinity'] as const) {
    const rules = spec.affinity?.[side]
    warnings.push(...nullSelectors(rules?.[hard] ?? [], i => `${at}.${side}.${hard}[${i}]`))
    const weighted = (rules?.[soft] ?? []).map(row => row.podAffinityTerm)
    warnings.push(...nullSelectors(weighted, i => `${at}.${side}.${soft}[${i}].podAffinityTerm`))
  }
  return warnings
}

/** Files of a projected volume that take the path of a token of any. */
const hiddenTokens = (projected: Draft<ProjectedVolumeSource>, tokens: ReadonlySet<string>, path: string): string[] => {
  const clash = (file: string | undefined, at: string): string[] =>
    file !== undefined && tokens.has(file)
      ? [`${at}: has duplicated path with ServiceAccountToken ${JSON.stringify(file)}`]
      : []
  return (projected.sources ?? []).flatMap(source => [
    ...(source.configMap?.items ?? []).flatMap(({ path: file }, j) => clash(file, `${path}.configMap[${j}]`)),
    ...(source.secret?.items ?? []).flatMap(({ path: file }, j) => clash(file, `${path}.secrets[${j}]`)),
    ...(source.downwardAPI?.items ?? []).flatMap(({ path: file }, j) => clash(file, `${path}.downwardAPI[${j}]`)),
    ...clash(source.clusterTrustBundle?.path, `${path}.ClusterTrustBundle`),
  ])
}

const volumes = (spec: Spec, path: string): string[] => {
  const tokens = new Set(
    (spec.volumes ?? []).flatMap(v => (v.projected?.sources ?? []).flatMap(s => s.serviceAccountToken?.path ?? [])),
  )
  return (spec.volumes ?? []).flatMap((volume, i) => {
    const at = `${path}.volumes[${i}]`
    const claim = volume.ephemeral?.volumeClaimTemplate
    return [
      ...sourceWarnings(volume, at),
      ...claimSpecWarnings(claim?.spec, `${at}.ephemeral.volumeClaimTemplate.spec`),
      ...(volume.projected ? hiddenTokens(volume.projected, tokens, `${at}.projected.sources`) : []),
    ]
  })
}

/** `items` whose key was there before. */
const repeated = <T>(items: readonly T[], keyOf: (item: T) => string, tell: (i: number, key: string) => string) => {
  const seen = new Set<string>()
  return items.flatMap((item, i) => {
    const key = keyOf(item)
    if (seen.has(key)) return [tell(i, key)]
    seen.add(key)
    return []
  })
}

const lists = (spec: Spec, path: string): string[] => [
  ...repeated(
    spec.hostAliases ?? [],
    alias => alias.ip ?? '',
    (i, ip) => `${path}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`,
  ),
  ...repeated(
    spec.imagePullSecrets ?? [],
    secret => secret.name ?? '',
    (i, name) => `${path}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(name)}`,
  ),
  ...(spec.imagePullSecrets ?? []).flatMap(({ name }, i) =>
    name ? [] : [`${path}.imagePullSecrets[${i}].name: invalid empty name ""`],
  ),
  ...['memory', 'ephemeral-storage'].flatMap(name =>
    fractionWarning(spec.overhead?.[name], `${path}.overhead[${name}]`),
  ),
]

/** A variable set again is meant only where it builds on what it was. */
const hiddenVariables = (container: Row, path: string): string[] => {
  const seen = new Set<string>()
  return (container.env ?? []).flatMap(({ name = '', value = '', valueFrom }, i) => {
    const reference = `$(${name})`
    const hides = seen.has(name) && (valueFrom || value === reference || !value.includes(reference))
    seen.add(name)
    return hides
      ? [
          `${path}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
        ]
      : []
  })
}

const ofContainer = (
  container: Row,
  path: string,
  { annotations, profiled, metaPath }: { annotations: Annotations; profiled: boolean; metaPath: string | undefined },
): string[] => {
  const warnings: string[] = []
  const name = container.name ?? ''
  const at = (key: string) => `${metaPath ?? ''}metadata.annotations[${key}]`
  if (!container.securityContext?.seccompProfile && annotations[containerSeccomp + name] !== undefined)
    warnings.push(`${at(containerSeccomp + name)}: ${seccompText}`)
  const armored = profiled || container.securityContext?.appArmorProfile !== undefined
  if (metaPath !== undefined && !armored && annotations[containerAppArmor + name] !== undefined)
    warnings.push(`${at(containerAppArmor + name)}: deprecated since v1.30; use the "appArmorProfile" field instead`)
  for (const resource of ['memory', 'ephemeral-storage'])
    for (const list of ['limits', 'requests'] as const)
      warnings.push(
        ...fractionWarning(container.resources?.[list]?.[resource], `${path}.resources.${list}[${resource}]`),
      )
  return [...warnings, ...hiddenVariables(container, path)]
}

/** A port as Go prints the struct. */
const goPort = ({
  name = '',
  hostPort = 0,
  containerPort = 0,
  protocol = '',
  hostIP = '',
}: Draft<ContainerPort>): string =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`

type Placed = { port: Draft<ContainerPort>; path: string }

const portClash = ({ port, path }: Placed, other: Placed): string[] => {
  const [ip, otherIp] = [port.hostIP ?? '', other.port.hostIP ?? '']
  const [host, otherHost] = [port.hostPort ?? 0, other.port.hostPort ?? 0]
  if (ip === otherIp && host === otherHost) return [`${path}: duplicate port definition with ${other.path}`]
  if (host === 0 || otherHost === 0) return [`${path}: overlapping port definition with ${other.path}`]
  if (host === otherHost && (ip === '') !== (otherIp === ''))
    return [`${path}: dangerously ambiguous port definition with ${other.path}`]
  return []
}

const ports = (containers: readonly [Row, string][]): string[] => {
  const known = new Map<string, Placed[]>()
  return containers.flatMap(([container, at]) =>
    (container.ports ?? []).flatMap((port, i) => {
      const placed = { port, path: `${at}.ports[${i}]` }
      const key = `${port.containerPort ?? 0}/${port.protocol ?? ''}`
      const others = known.get(key) ?? []
      known.set(key, [...others, placed])
      const lone = port.hostIP && !port.hostPort ? [`${placed.path}: hostIP set without hostPort: ${goPort(port)}`] : []
      return [...lone, ...others.flatMap(other => portClash(placed, other))]
    }),
  )
}

/** `prefix`: '' for a pod, `spec.template.` for a template. */
const specWarnings = (spec: Spec, annotations: Annotations, prefix: string): string[] => {
  const path = `${prefix}spec`
  const containers = containersOf(spec, path)
  const about = {
    annotations,
    profiled: spec.securityContext?.appArmorProfile !== undefined,
    metaPath: prefix === '' ? undefined : prefix,
  }
  const at = (key: string) => `${prefix}metadata.annotations[${key}]`
  return [
    ...placement(spec, path),
    ...Object.entries(deprecatedAnnotations).flatMap(([key, text]) =>
      annotations[key] === undefined ? [] : [`${at(key)}: ${text}`],
    ),
    ...volumes(spec, path),
    ...lists(spec, path),
    ...(!spec.securityContext?.seccompProfile && annotations[podSeccomp] !== undefined
      ? [`${at(podSeccomp)}: ${seccompText}`]
      : []),
    ...containers.flatMap(([container, where]) => ofContainer(container, where, about)),
    ...ports(containers),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
  ]
}

/** What upstream's API server says of pods that are valid and probably not meant so (pkg/api/pod). */
export const podWarnings = (pod: Draft<Pod>): string[] =>
  specWarnings(pod.spec ?? {}, pod.metadata?.annotations ?? {}, '')

/** The same of the template at `path`. */
export const templateWarnings = (template: Draft<PodTemplateSpec> | undefined, path = 'spec.template'): string[] =>
  template ? specWarnings(template.spec ?? {}, template.metadata?.annotations ?? {}, `${path}.`) : []
