// Derives daemons/apiserver/rest/protobuf-fields.gen.ts: which field of which message has which number and type, whether
// its Go type is a pointer, and whether Go's JSON leaves its zero out. Run by hand when the API moves on; its output is
// committed. Field numbers never change, so a newer source serves as well: what v1.34 has not is left out.
//
//   apt-get download golang-k8s-api-dev golang-k8s-apimachinery-dev golang-k8s-apiextensions-apiserver-dev
//   for deb in *.deb; do dpkg -x $deb SOURCES; done
//   node scripts/derive-protobuf.mjs SOURCES/usr/share/gocode/src/k8s.io
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const sources = process.argv[2]
if (sources === undefined)
  throw new Error('usage: node scripts/derive-protobuf.mjs DIRECTORY (holds api, apimachinery, …)')
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const models = join(root, 'node_modules/@kubernetes/client-node/dist/gen/models')
const target = join(root, 'daemons/apiserver/rest/protobuf-fields.gen.ts')

const groups =
  'admissionregistration apps authentication authorization autoscaling batch certificates coordination core discovery ' +
  'events flowcontrol networking node policy rbac resource scheduling storage'
const packages = [
  ...groups.split(' ').map(group => ['api', group, 'v1']),
  ['api', 'autoscaling', 'v2'],
  ['api', 'apidiscovery', 'v2'],
  ['apimachinery/pkg/apis', 'meta', 'v1'],
  ['apimachinery/pkg/apis', 'meta', 'v1beta1'],
  ['apiextensions-apiserver/pkg/apis', 'apiextensions', 'v1'],
]

// kube-aggregator is not among Debian's packages: its facts (pkg/apis/apiregistration/v1) stand here.
const aggregator = {
  'apiregistration.v1.APIService': 'metadata=.ObjectMeta spec=APIServiceSpec status=APIServiceStatus',
  'apiregistration.v1.APIServiceCondition': 'type=!s status=!s lastTransitionTime=T reason message',
  'apiregistration.v1.APIServiceList': 'metadata=.ListMeta items=[APIService',
  'apiregistration.v1.APIServiceSpec':
    'service=*ServiceReference group version insecureSkipTLSVerify=b caBundle=y 7:groupPriorityMinimum=!i versionPriority=!i',
  'apiregistration.v1.APIServiceStatus': 'conditions=[APIServiceCondition',
  'apiregistration.v1.ServiceReference': 'namespace name port=*i',
}

/** Messages whose JSON is not an object of their fields: the encoder knows each by its letter. */
const specials = {
  'meta.v1.Time': 'T',
  'meta.v1.MicroTime': 'M',
  'meta.v1.FieldsV1': 'J',
  'resource.Quantity': 'Q',
  'intstr.IntOrString': 'I',
  'runtime.RawExtension': 'J',
  'apiextensions.v1.JSON': 'J',
  'apiextensions.v1.JSONSchemaPropsOrArray': 'A',
  'apiextensions.v1.JSONSchemaPropsOrBool': 'B',
  'apiextensions.v1.JSONSchemaPropsOrStringArray': 'P',
  'authentication.v1.ExtraValue': 'V',
  'authorization.v1.ExtraValue': 'V',
  'certificates.v1.ExtraValue': 'V',
  'meta.v1.Verbs': 'V',
}
const unwanted = new Set([
  ...Object.keys(specials),
  'meta.v1.Duration',
  'meta.v1.Timestamp',
  'meta.v1.TypeMeta',
  'meta.v1.CreateOptions',
  'meta.v1.GetOptions',
  'meta.v1.ListOptions',
  'meta.v1.PatchOptions',
  'meta.v1.TableOptions',
  'meta.v1.UpdateOptions',
])
const scalars = { string: 's', int32: 'i', int64: 'l', bool: 'b', bytes: 'y', double: 'd' }

/** `k8s.io.api.core.v1.Pod` -> `core.v1.Pod`; a name without dots is of the same package. */
const shortName = (name, own) => {
  if (!name.includes('.')) return `${own}.${name}`
  const parts = name.split('.')
  return ['resource', 'intstr', 'runtime'].includes(parts.at(-2))
    ? parts.slice(-2).join('.')
    : parts.slice(-3).join('.')
}

const readMessages = (file, own) => {
  const messages = new Map()
  const text = readFileSync(file, 'utf8').replaceAll(/\/\/.*$/gm, '')
  for (const [, name, body] of text.matchAll(/^message (\w+) \{([\s\S]*?)^\}/gm)) {
    const fields = [...body.matchAll(/(optional|repeated|map<string, *)\s*([\w.]+)>?\s+(\w+)\s*=\s*(\d+);/g)].map(
      ([, label, type, field, number]) => ({
        label: label.startsWith('map') ? 'map' : label,
        type: scalars[type] ?? shortName(type.replace(/^\./, ''), own),
        name: field,
        number: Number(number),
      }),
    )
    messages.set(`${own}.${name}`, fields)
  }
  return messages
}

/** Struct -> field number -> { name, inline, pointer, omitempty }, out of the type tags. */
const readStructs = (directory, own) => {
  const structs = new Map()
  for (const file of readdirSync(directory)) {
    if (!file.endsWith('.go') || file.endsWith('_test.go')) continue
    const text = readFileSync(join(directory, file), 'utf8')
    for (const [, name, body] of text.matchAll(/^(?:type )?\t?(\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      const fields = new Map()
      for (const line of body.split('\n')) {
        const match = /^\s*(?:\w+\s+)?([*[\]\w.]+)\s+`(.*)`/.exec(line)
        const number = /protobuf:"\w+,(\d+),/.exec(match?.[2] ?? '')
        if (number === null) continue
        const [json, ...options] = (/json:"([^"]*)"/.exec(match[2])?.[1] ?? '').split(',')
        fields.set(Number(number[1]), {
          name: json,
          inline: json === '' || options.includes('inline'),
          pointer: match[1].startsWith('*'),
          omitempty: options.includes('omitempty'),
        })
      }
      structs.set(`${own}.${name}`, fields)
    }
  }
  return structs
}

/** What v1.34 has: name of a type -> names of its fields. Types of the same name in several groups are taken together. */
const readKnown = () => {
  const known = new Map()
  for (const file of readdirSync(models)) {
    const model = /^([A-Z][a-z]+)?(V[12])([A-Z]\w*)\.js$/.exec(file)
    if (model === null) continue
    const table = /attributeTypeMap = (\[[\s\S]*?\n?\]);/.exec(readFileSync(join(models, file), 'utf8'))
    const names = JSON.parse(table?.[1] ?? '[]').map(({ baseName }) => baseName)
    // The model of core's EndpointPort and its like carry their group in front of the version.
    known.set(model[3], new Set([...(known.get(model[3]) ?? []), ...names]))
  }
  return known
}

const abbreviate = (type, own) => {
  if (type.length === 1) return type
  if (type.startsWith(`${own}.`)) return type.slice(own.length + 1)
  return type.startsWith('meta.v1.') ? type.slice('meta.v1'.length) : type
}

const words = (message, fields, structs, known) => {
  const own = message.slice(0, message.lastIndexOf('.'))
  let next = 1
  const result = []
  for (const { label, type, name: wireName, number } of fields.toSorted((a, b) => a.number - b.number)) {
    const go = structs.get(message)?.get(number)
    if (go === undefined) throw new Error(`${message}.${wireName}: no such number among the type tags`)
    if (!go.inline && known !== undefined && !known.has(go.name)) continue
    const letter = specials[type] ?? type
    const flag = label === 'repeated' ? '[' : label === 'map' ? '{' : go.pointer ? '*' : ''
    // Lists and messages are never left out for being zero, or always are: only scalars differ.
    const kept = flag === '' && !go.omitempty && Object.values(scalars).includes(letter) ? '!' : ''
    const encoded = `${go.inline ? '~' : ''}${flag}${kept}${abbreviate(letter, own)}`
    result.push(
      `${number === next ? '' : `${number}:`}${go.inline ? wireName : go.name}${encoded === 's' ? '' : `=${encoded}`}`,
    )
    next = number + 1
  }
  return result.join(' ')
}

const known = readKnown()
const messages = new Map()
const structs = new Map()
for (const [base, group, version] of packages) {
  const directory = join(sources, base, group, version)
  const own = `${group}.${version}`
  for (const [name, fields] of readStructs(directory, own)) structs.set(name, fields)
  for (const [name, fields] of readMessages(join(directory, 'generated.proto'), own)) messages.set(name, fields)
}
const bareName = message => message.slice(message.lastIndexOf('.') + 1)
/** What is inlined has the fields that its holders' models show: VolumeSource those of Volume. */
const holders = new Map()
for (const [message, fields] of messages)
  for (const { type, number } of fields)
    if (structs.get(message)?.get(number)?.inline === true) holders.set(type, [...(holders.get(type) ?? []), message])
const knownOf = message => {
  const own = known.get(bareName(message))
  if (own !== undefined) return own
  const around = (holders.get(message) ?? []).flatMap(holder => [...(knownOf(holder) ?? [])])
  return around.length === 0 ? undefined : new Set(around)
}
const modelless = /\.(WatchEvent|PartialObjectMetadata(List)?|CustomResourceSubresourceStatus|GroupVersionKind)$/
/** They share their names with those of v2, and nothing of v1 refers to them. */
const inAnnotations = /^autoscaling\.v1\.(.*Metric|HorizontalPodAutoscalerCondition)/
const table = { ...aggregator }
for (const [message, fields] of messages) {
  if (unwanted.has(message) || inAnnotations.test(message)) continue
  // Of these no model is made: discovery, watch events and the metadata views.
  const free = message.startsWith('apidiscovery.v2.') || modelless.test(message)
  const names = free ? undefined : knownOf(message)
  if (free || names !== undefined) table[message] = words(message, fields, structs, names)
}

const lines = Object.keys(table)
  .sort()
  .map(message => `  '${message}': '${table[message]}',`)
writeFileSync(
  target,
  `// Made by scripts/derive-protobuf.mjs out of Kubernetes' generated.proto files and type tags; not to be edited.

/**
 * Message -> its fields in the order of their numbers, as \`NUMBER:NAME=FLAGS TYPE\` without spaces. The number is left
 * out where it follows the one before, the type where it is a plain string. Flags: \`*\` a pointer (absent is not zero),
 * \`[\` a list, \`{\` a map by strings, \`!\` the zero stands in JSON too, \`~\` the message's fields stand in the holder's
 * JSON. Types: s string, i int32, l int64, b bool, y bytes, d double; T Time, M MicroTime, Q Quantity,
 * I IntOrString, J raw JSON, V list of strings in a message, A B P JSONSchemaPropsOr(Array, Bool, StringArray); else
 * a message, of the same package, with a dot in front of meta.v1.
 */
export const protobufFields: Readonly<Record<string, string>> = {
${lines.join('\n')}
}
`,
)
