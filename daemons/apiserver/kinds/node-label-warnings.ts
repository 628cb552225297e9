import type { NodeSelectorTerm } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'

const replaced = (by: string, since = 'v1.14') => `deprecated since ${since}; use ${JSON.stringify(by)} instead`

/** Labels of nodes that have a newer name. */
const deprecatedLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': replaced('kubernetes.io/arch'),
  'beta.kubernetes.io/os': replaced('kubernetes.io/os'),
  'failure-domain.beta.kubernetes.io/region': replaced('topology.kubernetes.io/region', 'v1.17'),
  'failure-domain.beta.kubernetes.io/zone': replaced('topology.kubernetes.io/zone', 'v1.17'),
  'beta.kubernetes.io/instance-type': replaced('node.kubernetes.io/instance-type', 'v1.17'),
}

/** What is to be said of a label of nodes that somebody selects by; undefined: nothing. */
export const deprecatedLabel = (key: string): string | undefined =>
  Object.hasOwn(deprecatedLabels, key) ? deprecatedLabels[key] : undefined

const ofTerm = (term: Draft<NodeSelectorTerm>, path: string): string[] =>
  (term.matchExpressions ?? []).flatMap(({ key = '', values }, i) => {
    const text = deprecatedLabel(key)
    const at = `${path}.matchExpressions[${i}]`
    return [
      ...(text === undefined ? [] : [`${at}.key: ${key} is ${text}`]),
      ...(values ?? []).flatMap((value, j) =>
        value.length > 63 ? [`${at}.values[${j}]: ${value} is invalid, must be no more than 63 bytes`] : [],
      ),
    ]
  })

export const termWarnings = (terms: readonly Draft<NodeSelectorTerm>[] | undefined, path: string): string[] =>
  (terms ?? []).flatMap((term, i) => ofTerm(term, `${path}[${i}]`))

export const termWarning = (term: Draft<NodeSelectorTerm> | undefined, path: string): string[] =>
  ofTerm(term ?? {}, path)
