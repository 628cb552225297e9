import type { Ingress } from 'kubernetes-types/networking/v1.js'
import { draftOf } from '../kinds/draft.ts'
import { writes } from './forbid.ts'
import type { AdmissionPlugin } from './plugin.ts'

const group = 'networking.k8s.io'
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'
const classAnnotation = 'kubernetes.io/ingress.class'

/** Gives an Ingress without a class the default one: of several, the newest, then the first by name. */
export const defaultIngressClassPlugin: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  handles: route => writes(route, group, 'ingresses') && route.operation === 'create',
  admit: (request, reader) => {
    if (request.object === undefined) return
    const ingress = draftOf<Ingress>(request.object)
    if (ingress.spec?.ingressClassName !== undefined) return
    if (ingress.metadata?.annotations?.[classAnnotation] !== undefined) return
    const [chosen] = reader
      .list(group, 'ingressclasses')
      .filter(({ metadata }) => metadata?.annotations?.[defaultAnnotation] === 'true')
      .map(({ metadata }) => ({ name: metadata?.name ?? '', created: metadata?.creationTimestamp ?? '' }))
      .sort((a, b) => (a.created === b.created ? (a.name < b.name ? -1 : 1) : a.created > b.created ? -1 : 1))
    if (chosen !== undefined) (ingress.spec ??= {}).ingressClassName = chosen.name
  },
}
