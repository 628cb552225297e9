import t from 'tap'
import { shapeAsGo } from '../../../../daemons/apiserver/schema/go-zeros.ts'
import type { UnknownObject } from '../../../../kube/object.ts'

const pod = (spec: object, metadata: object = { name: 'p' }) => ({ apiVersion: 'v1', kind: 'Pod', metadata, spec })
/** As it is written: a struct that is no pointer is there whatever is in it. */
const whole = (object: object) => ({ ...object, status: {} })

const cases: { name: string; given: object; wanted: object }[] = [
  {
    name: 'empty maps and lists of metadata are left out',
    given: pod({}, { name: 'p', labels: {}, annotations: {}, finalizers: [], ownerReferences: [], generateName: '' }),
    wanted: whole(pod({}, { name: 'p' })),
  },
  {
    name: 'empty texts, zeros and false are left out where the tag says omitempty',
    given: pod({ containers: [{ name: 'c', image: 'i', workingDir: '', stdin: false, ports: [{ containerPort: 1, hostPort: 0 }] }] }), // prettier-ignore
    wanted: whole(pod({ containers: [{ name: 'c', image: 'i', resources: {}, ports: [{ containerPort: 1 }] }] })),
  },
  {
    name: 'what a pointer points to stays, be it zero',
    given: pod({ automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, affinity: {} }),
    wanted: whole(pod({ automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, affinity: {} })),
  },
  {
    name: 'what has no omitempty is there, zero or not',
    given: pod({ containers: [{ livenessProbe: { httpGet: { httpHeaders: [{ name: 'X' }] } } }] }),
    wanted: whole(
      pod({
        containers: [
          { name: '', resources: {}, livenessProbe: { httpGet: { httpHeaders: [{ name: 'X', value: '' }] } } },
        ],
      }),
    ),
  },
  {
    name: 'values in maps stay as they are',
    given: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { a: '' } },
    wanted: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { a: '' } },
  },
  {
    name: 'schemas within schemas are looked into',
    given: crd({ type: 'object', description: '', properties: { a: { type: 'array', items: { title: '', default: '' } } } }), // prettier-ignore
    wanted: crd({ type: 'object', properties: { a: { type: 'array', items: { default: '' } } } }),
  },
  {
    name: 'the empty list of policies of an autoscaler is an error, not nothing',
    given: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: {}, status: { desiredReplicas: 0 }, spec: { scaleTargetRef: { kind: 'D', name: 'n' }, maxReplicas: 1, behavior: { scaleUp: { policies: [] } } } }, // prettier-ignore
    wanted: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: {}, status: { desiredReplicas: 0 }, spec: { scaleTargetRef: { kind: 'D', name: 'n' }, maxReplicas: 1, behavior: { scaleUp: { policies: [] } } } }, // prettier-ignore
  },
  {
    name: 'a key that every object inherits is a key like any other',
    given: pod({ nodeSelector: JSON.parse('{"__proto__":"x","constructor":""}') as object }),
    wanted: whole(pod({ nodeSelector: JSON.parse('{"__proto__":"x","constructor":""}') as object })),
  },
  {
    name: 'a kind without a message is left alone',
    given: { apiVersion: 'example.com/v1', kind: 'Foo', spec: { a: '', b: [] } },
    wanted: { apiVersion: 'example.com/v1', kind: 'Foo', spec: { a: '', b: [] } },
  },
]

function crd(openAPIV3Schema: object) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {},
    status: { acceptedNames: { plural: '', kind: '' } },
    spec: { group: 'g', scope: 'Cluster', names: { plural: 'as', kind: 'A' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }] }, // prettier-ignore
  }
}

for (const { name, given, wanted } of cases)
  t.test(name, async t => {
    const object = structuredClone(given) as UnknownObject
    shapeAsGo(object)
    t.strictSame(object, wanted)
    shapeAsGo(object)
    t.strictSame(object, wanted, 'shaped once and for all')
  })
