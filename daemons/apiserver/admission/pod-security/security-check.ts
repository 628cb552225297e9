import type { Container, Pod } from 'kubernetes-types/core/v1.js'
import type { Draft } from '../../kinds/draft.ts'

/** A pod, or the template that pods are made from. */
export type PodLike = Pick<Draft<Pod>, 'metadata' | 'spec'>
export type Part = Draft<Container>

/** What a check finds wrong: upstream's reason, and what exactly. */
export interface Violation {
  reason: string
  detail: string
}

/** One rule of the pod security standards. */
export interface SecurityCheck {
  /** Upstream's, which also gives the order that findings are told in. */
  id: string
  level: 'baseline' | 'restricted'
  /** Minor version of v1.N that has it first. */
  since: number
  /** A check of the baseline that this one is the stricter form of. */
  replaces?: string
  /** `minor`: of the standard that is asked for. */
  run(pod: PodLike, minor: number): Violation | undefined
}

/** Everything that runs in a pod, in the order upstream visits it. */
export const partsOf = ({ spec }: PodLike): Part[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
  ...((spec?.ephemeralContainers ?? []) as Part[]),
]

export const quoted = (values: Iterable<string>): string => [...values].map(value => JSON.stringify(value)).join(', ')

export const plural = (count: number, one: string, many: string): string => (count === 1 ? one : many)

/** `container "a"`, `containers "a", "b"` */
export const named = (parts: readonly Part[]): string =>
  `${plural(parts.length, 'container', 'containers')} ${quoted(parts.map(({ name = '' }) => name))}`

/** Those that set something they must not: the pod itself, its containers, or both. */
export const setters = (pod: boolean, parts: readonly Part[]): string =>
  [...(pod ? ['pod'] : []), ...(parts.length > 0 ? [named(parts)] : [])].join(' and ')

export const sortedSet = (values: Iterable<string>): string[] => [...new Set(values)].sort()

export const isWindows = ({ spec }: PodLike): boolean => spec?.os?.name === 'windows'
