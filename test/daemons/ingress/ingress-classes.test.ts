import t from 'tap'
import { isOurs, ownClass } from '../../../daemons/ingress/model/ingress-classes.ts'
import { ingress, nginxClass } from './cluster.ts'

const rules = { annotationClass: 'nginx', controller: 'k8s.io/ingress-nginx' }
const unnamed = (annotations: Record<string, string> = {}) => {
  const one = ingress('x', {}, annotations)
  const { ingressClassName: _, ...spec } = one.spec ?? {}
  return { ...one, spec }
}
const other = { ...nginxClass, metadata: { name: 'other' }, spec: { controller: 'example.com/other' } }
const cases = [
  {
    name: 'an Ingress that names a class of ours is ours',
    ingress: ingress('x', {}),
    classes: [nginxClass],
    ours: true,
  },
  { name: 'one that names a class nobody made is not', ingress: ingress('x', {}), classes: [], ours: false },
  {
    name: 'one that names another’s class is not',
    ingress: ingress('x', { ingressClassName: 'other' }),
    classes: [nginxClass, other],
    ours: false,
  },
  {
    name: 'the old annotation counts',
    ingress: unnamed({ 'kubernetes.io/ingress.class': 'nginx' }),
    classes: [],
    ours: true,
  },
  {
    name: 'one that names none is ours when our class is the default',
    ingress: unnamed(),
    classes: [ownClass('nginx', rules.controller)],
    ours: true,
  },
  { name: 'and is not when it is no default', ingress: unnamed(), classes: [nginxClass], ours: false },
]
for (const { name, ingress, classes, ours } of cases)
  t.test(name, async t => {
    t.equal(isOurs(ingress, classes, rules), ours)
  })
