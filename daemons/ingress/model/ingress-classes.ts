import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js'

export interface ClassRules {
  /** Value of the old annotation that also means us. */
  annotationClass: string
  controller: string
}

const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'

/**
 * True when an Ingress is ours: by spec.ingressClassName, by the old annotation, or, naming neither, because a class
 * of ours is the default.
 */
export const isOurs = (ingress: Ingress, classes: readonly IngressClass[], rules: ClassRules): boolean => {
  const ours = classes.filter(c => c.spec?.controller === rules.controller)
  const named = ingress.spec?.ingressClassName
  if (named !== undefined) return ours.some(c => c.metadata?.name === named)
  const annotation = ingress.metadata?.annotations?.['kubernetes.io/ingress.class']
  if (annotation !== undefined) return annotation === rules.annotationClass
  return ours.some(c => c.metadata?.annotations?.[defaultAnnotation] === 'true')
}

/** The class the daemon makes when it is missing; the default one, as nobody else serves Ingresses here. */
export const ownClass = (name: string, controller: string): IngressClass => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name, annotations: { [defaultAnnotation]: 'true' } },
  spec: { controller },
})
