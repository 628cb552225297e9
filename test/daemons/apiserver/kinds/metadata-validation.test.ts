import t from 'tap'
import { validateMetadata, validateMetadataUpdate } from '../../../../daemons/apiserver/kinds/metadata-validation.ts'
import type { ObjectMeta } from '../../../../kube/object.ts'
import { metadata } from './sample-objects.ts'

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const qualified =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const value =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'u', controller: true }

const texts = (errors: readonly { field: string; message: string }[]) => errors.map(e => `${e.field}: ${e.message}`)

const cases: { name: string; meta: ObjectMeta; errors: string[]; namespaced?: boolean }[] = [
  { name: 'plain metadata is fine', meta: metadata({ labels: { 'a.example/b': 'c', d: '' } }), errors: [] },
  { name: 'a generated name may end in a dash', meta: { generateName: 'web-', namespace: 'x' }, errors: [] },
  {
    name: 'an object has a name',
    meta: { namespace: 'default' },
    errors: ['metadata.name: Required value: name or generateName is required'],
  },
  {
    name: 'a name is a subdomain',
    meta: metadata({ name: 'Web_1' }),
    errors: [`metadata.name: Invalid value: "Web_1": ${subdomain}`],
  },
  {
    name: 'a name is not longer than 253 bytes',
    meta: metadata({ name: 'a'.repeat(254) }),
    errors: [`metadata.name: Invalid value: "${'a'.repeat(254)}": must be no more than 253 bytes`],
  },
  { name: 'a namespaced object has a namespace', meta: { name: 'a' }, errors: ['metadata.namespace: Required value'] },
  {
    name: 'a cluster-wide object has none',
    meta: metadata(),
    namespaced: false,
    errors: ['metadata.namespace: Forbidden: not allowed on this type'],
  },
  {
    name: 'the key of a label is a qualified name',
    meta: metadata({ labels: { 'a b': '' } }),
    errors: [`metadata.labels: Invalid value: "a b": name part ${qualified}`],
  },
  {
    name: 'the prefix of a label is not empty',
    meta: metadata({ labels: { '/b': '' } }),
    errors: ['metadata.labels: Invalid value: "/b": prefix part must be non-empty'],
  },
  {
    name: 'the value of a label is short and plain',
    meta: metadata({ labels: { a: 'b c', d: 'e'.repeat(64) } }),
    errors: [
      `metadata.labels: Invalid value: "b c": ${value}`,
      `metadata.labels: Invalid value: "${'e'.repeat(64)}": must be no more than 63 bytes`,
    ],
  },
  {
    name: 'the key of an annotation may be written in capitals',
    meta: metadata({ annotations: { 'Example.COM/A': 'x y' } }),
    errors: [],
  },
  {
    name: 'annotations are small together',
    meta: metadata({ annotations: { a: 'x'.repeat(262_144) } }),
    errors: ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  },
  {
    name: 'one owner controls',
    meta: metadata({ ownerReferences: [owner, { ...owner, name: 'b' }] }),
    errors: [
      `metadata.ownerReferences: Invalid value: ${JSON.stringify([owner, { ...owner, name: 'b' }])}: Only one reference can have Controller set to true. Found "true" in references for a and b`,
    ],
  },
  {
    name: 'an owner is named in full',
    meta: metadata({ ownerReferences: [{ apiVersion: 'v1', kind: '', name: 'a', uid: '' }] }),
    errors: [
      'metadata.ownerReferences.kind: Invalid value: "": kind must not be empty',
      'metadata.ownerReferences.uid: Invalid value: "": uid must not be empty',
    ],
  },
  {
    name: 'a finalizer says whose it is',
    meta: metadata({ finalizers: ['orphan', 'a.example/b', 'mine'] }),
    errors: [
      'metadata.finalizers[2]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  },
]
for (const { name, meta, errors, namespaced = true } of cases)
  t.test(name, async t => {
    t.same(texts(validateMetadata({ metadata: meta }, { namespaced })), errors)
  })

t.test('the name of a Service is a DNS-1035 label', async t => {
  const [error] = validateMetadata(
    { metadata: metadata({ name: '1web' }) },
    { namespaced: true, nameRule: 'dns-1035-label' },
  )
  t.equal(
    error?.message,
    "Invalid value: \"1web\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  )
})

t.test('an update does not change who an object is', async t => {
  const old = { metadata: metadata({ uid: 'a' }) }
  t.same(texts(validateMetadataUpdate({ metadata: metadata({ uid: 'b' }) }, old)), [
    'metadata.uid: Invalid value: "b": field is immutable',
  ])
})

t.test('an object that is being deleted gets no new finalizers', async t => {
  const deleted = metadata({ deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a.example/b'] })
  const errors = validateMetadataUpdate(
    { metadata: { ...deleted, finalizers: ['a.example/b', 'a.example/c'] } },
    { metadata: deleted },
  )
  t.same(texts(errors), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a.example/c"}',
  ])
  t.same(validateMetadataUpdate({ metadata: { ...deleted, finalizers: [] } }, { metadata: deleted }), [])
})
