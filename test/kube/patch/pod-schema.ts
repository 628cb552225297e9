import { anySchema } from '../../../kube/patch/schema.ts'
import type { TypeSchema } from '../../../kube/patch/schema.ts'

const text: TypeSchema = { type: 'string' }
const number: TypeSchema = { type: 'integer', format: 'int32' }
const object = (fields: Record<string, TypeSchema>, rest: Partial<TypeSchema> = {}): TypeSchema => ({
  type: 'object',
  fields: new Map(Object.entries(fields)),
  ...rest,
})
const list = (items: TypeSchema, rest: Partial<TypeSchema> = {}): TypeSchema => ({ type: 'list', items, ...rest })
const byKey = (items: TypeSchema, patchMergeKey: string, listKeys = [patchMergeKey]): TypeSchema =>
  list(items, { listKind: 'map', listKeys, patchStrategy: ['merge'], patchMergeKey })
const map: TypeSchema = { type: 'map', values: text }

const port = object({ containerPort: number, protocol: text, name: text })
const container = object({
  name: text,
  image: text,
  args: list(text, { listKind: 'atomic' }),
  env: byKey(object({ name: text, value: text }), 'name'),
  ports: { ...byKey(port, 'containerPort', ['containerPort', 'protocol']), keyDefaults: { protocol: 'TCP' } },
})

/** A piece of a Deployment's schema with one of everything: keyed, set and atomic lists, maps, atomic and retainKeys objects. */
export const workloadSchema: TypeSchema = object({
  apiVersion: text,
  kind: text,
  metadata: object(
    {
      name: text,
      namespace: text,
      uid: text,
      resourceVersion: text,
      generation: number,
      labels: map,
      annotations: map,
      finalizers: list(text, { listKind: 'set', patchStrategy: ['merge'] }),
      managedFields: list(anySchema, { listKind: 'atomic' }),
    },
    { alwaysPresent: true },
  ),
  spec: object(
    {
      replicas: number,
      paused: { type: 'boolean' },
      selector: object({ matchLabels: map }, { mapKind: 'atomic' }),
      strategy: object(
        { type: text, rollingUpdate: object({ maxSurge: text, maxUnavailable: text }) },
        { patchStrategy: ['retainKeys'], alwaysPresent: true },
      ),
      containers: { ...byKey(container, 'name'), alwaysPresent: true },
      volumes: {
        ...byKey(object({ name: text, emptyDir: object({}), hostPath: object({ path: text }) }), 'name'),
        patchStrategy: ['merge', 'retainKeys'],
      },
      nodeSelector: { ...map, mapKind: 'atomic' },
      replaced: object({ a: text, b: text }, { patchStrategy: ['replace'] }),
    },
    { alwaysPresent: true },
  ),
  status: object(
    { phase: text, conditions: byKey(object({ type: text, status: text }), 'type') },
    { alwaysPresent: true },
  ),
})
