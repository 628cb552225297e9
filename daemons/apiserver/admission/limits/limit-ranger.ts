import type { Container, LimitRange, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { draftOf } from '../../kinds/draft.ts'
import type { Draft } from '../../kinds/draft.ts'
import { forbid, writes } from '../forbid.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from '../plugin.ts'
import { parseAmounts, podAmounts } from '../pod-amounts.ts'
import { checkLimits, type LimitItem } from './check-limits.ts'

type Item = NonNullable<NonNullable<Draft<LimitRange>['spec']>['limits']>[number]
type Texts = Record<string, string>

const annotation = 'kubernetes.io/limit-ranger'

const itemsOf = (request: AdmissionRequest, reader: AdmissionReader): Item[][] =>
  reader.list('', 'limitranges', request.namespace).map(object => draftOf<LimitRange>(object).spec?.limits ?? [])

/** Fills in what a container does not say. Gives upstream's account of it, for the annotation. */
const fill = (container: Draft<Container>, what: string, defaults: { requests: Texts; limits: Texts }): string[] => {
  const resources = (container.resources ??= {})
  return (['requests', 'limits'] as const).flatMap(which => {
    const held = (resources[which] ?? {}) as Texts
    const missing = Object.keys(defaults[which]).filter(name => held[name] === undefined)
    if (missing.length === 0) return []
    const added = Object.fromEntries(missing.map(name => [name, defaults[which][name] ?? '']))
    resources[which] = { ...held, ...added }
    return [`${missing.sort().join(', ')} ${which.slice(0, -1)} for ${what} ${container.name ?? ''}`]
  })
}

const fillPod = (object: UnknownObject, items: readonly Item[]): void => {
  const ofContainers = items.filter(({ type }) => type === 'Container')
  const merged = (field: 'default' | 'defaultRequest'): Texts =>
    Object.assign({}, ...ofContainers.map(item => item[field] ?? {})) as Texts
  const defaults = { requests: merged('defaultRequest'), limits: merged('default') }
  const spec = draftOf<Pod>(object).spec
  const done = [
    ...(spec?.containers ?? []).flatMap(container => fill(container, 'container', defaults)),
    ...(spec?.initContainers ?? []).flatMap(container => fill(container, 'init container', defaults)),
  ]
  if (done.length === 0) return
  const meta = (object.metadata ??= {})
  meta.annotations = { ...meta.annotations, [annotation]: `LimitRanger plugin set: ${done.join('; ')}` }
}

const limitItem = (item: Item): LimitItem => ({
  type: item.type ?? '',
  min: parseAmounts(item.min),
  max: parseAmounts(item.max),
  maxLimitRequestRatio: parseAmounts(item.maxLimitRequestRatio),
})

const errorsOfPod = (object: UnknownObject, item: LimitItem): string[] => {
  const spec = draftOf<Pod>(object).spec
  if (item.type === 'Container')
    return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].flatMap(({ resources }) =>
      checkLimits(item, { requests: parseAmounts(resources?.requests), limits: parseAmounts(resources?.limits) }),
    )
  if (item.type !== 'Pod') return []
  const bare = { overhead: false }
  return checkLimits(item, { requests: podAmounts(spec, 'requests', bare), limits: podAmounts(spec, 'limits', bare) })
}

const errorsOfClaim = (object: UnknownObject, item: LimitItem): string[] => {
  if (item.type !== 'PersistentVolumeClaim') return []
  const requests = parseAmounts(draftOf<PersistentVolumeClaim>(object).spec?.resources?.requests)
  return checkLimits({ ...item, maxLimitRequestRatio: {} }, { requests, limits: {} })
}

/** Gives containers what a LimitRange of their namespace says they get, and refuses what it does not allow. */
export const limitRangerPlugin: AdmissionPlugin = {
  name: 'LimitRanger',
  handles: route =>
    (writes(route, '', 'pods') && route.operation === 'create') ||
    (writes(route, '', 'persistentvolumeclaims') && (route.operation === 'create' || route.operation === 'update')),
  admit: (request, reader) => {
    if (request.object === undefined || !writes(request, '', 'pods')) return
    for (const items of itemsOf(request, reader)) fillPod(request.object, items)
  },
  validate: (request, reader) => {
    const { object } = request
    // What goes away may be changed, to let it go.
    if (object === undefined || request.old?.metadata?.deletionTimestamp !== undefined) return
    const errorsOf = writes(request, '', 'pods') ? errorsOfPod : errorsOfClaim
    const errors = itemsOf(request, reader).flatMap(items => items.flatMap(item => errorsOf(object, limitItem(item))))
    const texts = [...new Set(errors)]
    if (texts.length > 0) throw forbid(request, texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`)
  },
}
