import type { UnknownObject } from '../../../../kube/object.ts'
import { invalid } from '../../kinds/field-error.ts'
import type { FieldError } from '../../kinds/kind.ts'

/** A level of the pod security standards, as of one version of Kubernetes. */
export interface PodPolicy {
  level: 'privileged' | 'baseline' | 'restricted'
  /** `latest` or `v1.25`: as it was written. */
  version: string
  minor: number
}

export type Mode = 'enforce' | 'audit' | 'warn'

const prefix = 'pod-security.kubernetes.io/'
const latestMinor = 34
const levels = ['privileged', 'baseline', 'restricted'] as const
const modes: readonly Mode[] = ['enforce', 'audit', 'warn']

const isLevel = (text: string): text is PodPolicy['level'] => (levels as readonly string[]).includes(text)

const minorOf = (version: string): number | undefined => {
  if (version === 'latest') return latestMinor
  const [, minor] = /^v1\.(0|[1-9]\d{0,3})$/.exec(version) ?? []
  return minor === undefined ? undefined : Math.min(Number(minor), latestMinor)
}

type Labels = Readonly<Record<string, string>> | undefined

/** What a namespace's labels ask for. What cannot be read is taken for the strictest where it is enforced, as upstream does. */
export const policyOf = (labels: Labels, mode: Mode): PodPolicy => {
  const level = labels?.[prefix + mode] ?? 'privileged'
  const version = labels?.[`${prefix}${mode}-version`] ?? 'latest'
  const minor = minorOf(version)
  const fallback = mode === 'enforce' ? 'restricted' : 'privileged'
  return {
    level: isLevel(level) ? level : fallback,
    version: minor === undefined ? 'latest' : version,
    minor: minor ?? latestMinor,
  }
}

/** `restricted:latest` */
export const policyText = ({ level, version }: PodPolicy): string => `${level}:${version}`

/** The labels of a Namespace that no level or version can be read from. */
export const labelErrors = (namespace: UnknownObject): FieldError[] =>
  modes.flatMap(mode => {
    const labels = namespace.metadata?.labels ?? {}
    const [level, version] = [labels[prefix + mode], labels[`${prefix}${mode}-version`]]
    const at = (name: string) => `metadata.labels[${prefix}${name}]`
    return [
      ...(level === undefined || isLevel(level)
        ? []
        : [invalid(at(mode), level, `must be one of ${levels.join(', ')}`)]),
      ...(version === undefined || minorOf(version) !== undefined
        ? []
        : [invalid(at(`${mode}-version`), version, 'must be "latest" or "v1.x"')]),
    ]
  })
