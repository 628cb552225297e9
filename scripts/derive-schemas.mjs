// Derives the API's schemas from the development dependencies, read as data: types, formats, required fields and texts
// from @kubernetes/client-node's models, group names from kubernetes-types, list and map facts from our own table.
// Writes dist/daemons/apiserver/schema/schemas.json and texts.json: definition -> its row as a string of JSON, so that
// the API server parses only the definitions it meets. Skipped when both are newer than what they are made from.
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const client = join(root, 'node_modules/@kubernetes/client-node')
const models = join(client, 'dist/gen/models')
const types = join(root, 'node_modules/kubernetes-types')
const target = join(root, 'dist/daemons/apiserver/schema')
const factsFile = join(target, 'list-facts.js')

const groups = new Set(
  [
    'core apps batch autoscaling networking policy rbac storage scheduling coordination discovery events node',
    'authentication authorization certificates apiextensions meta',
    'admissionregistration apiregistration flowcontrol resource',
  ].flatMap(line => line.split(' ')),
)
const metaPrefix = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

// Kinds that are newer than kubernetes-types; what belongs to them (Spec, Status, …) follows the kind that refers to it.
const newerGroups = {
  V1IPAddress: 'networking',
  V1ServiceCIDR: 'networking',
  V1VolumeAttributesClass: 'storage',
  V1FieldSelectorRequirement: 'meta',
  V1APIService: 'apiregistration',
  V1DeviceClass: 'resource',
  V1ResourceClaimList: 'resource',
  V1ResourceClaimTemplate: 'resource',
  V1ResourceSlice: 'resource',
}
const modelPrefixes = {
  Core: 'core',
  Discovery: 'discovery',
  Events: 'events',
  Rbac: 'rbac',
  Storage: 'storage',
  Authentication: 'authentication',
  Apiextensions: 'apiextensions',
  Admissionregistration: 'admissionregistration',
  Apiregistration: 'apiregistration',
  Flowcontrol: 'flowcontrol',
  Resource: 'resource',
}

const newestMs = files => Math.max(...files.map(file => statSync(file).mtimeMs))
const outputs = ['schemas.json', 'texts.json'].map(name => join(target, name))
const upToDate = () =>
  outputs.every(file => existsSync(file)) &&
  Math.min(...outputs.map(file => statSync(file).mtimeMs)) >
    newestMs([fileURLToPath(import.meta.url), factsFile, join(client, 'package.json'), join(types, 'package.json')])

/** `V1Pod` -> { version: 'v1', name: 'Pod' }; undefined for what is no GA model. */
const parseModel = model => {
  const match = /^([A-Z][a-z]+)?(V[12])([A-Z].*)$/.exec(model)
  return match === null ? undefined : { prefix: match[1], version: match[2].toLowerCase(), name: match[3] }
}

/** Group of each name, and the texts of fields that refer to a definition: the models leave those out. */
const readTypes = () => {
  const names = new Map()
  const texts = new Map()
  for (const group of readdirSync(types)) {
    for (const version of ['v1', 'v2']) {
      const file = join(types, group, `${version}.d.ts`)
      if (!existsSync(file)) continue
      const source = readFileSync(file, 'utf8')
      for (const [, name] of source.matchAll(/^export (?:interface|type) (\w+)/gm))
        names.set(`${version}.${name}`, group)
      for (const [, name, body] of source.matchAll(/^export interface (\w+) \{\n([\s\S]*?)^\}/gm))
        for (const [, text, field] of body.matchAll(/\/\*\* (.*) \*\/\n\s*(?:readonly )?'?(\w+)'?\??:/g))
          texts.set(`${group}.${version}.${name}.${field}`, text.replaceAll('*\\/', '*/'))
    }
  }
  return { names, texts }
}

const cleanText = text =>
  text
    .replace(/^\s*\* ?/gm, '')
    .trim()
    .replaceAll("\\'", "'")
    .replaceAll('\\"', '"')
    .replaceAll('*\\/', '*/')

/** Reads one model: its text, and its fields with type, format, whether required, and text. */
const readModel = model => {
  const declaration = readFileSync(join(models, `${model}.d.ts`), 'utf8')
  const classText = /\/\*\*\n((?:(?!\*\/)[\s\S])*)\*\/\nexport declare class/.exec(declaration)
  const fieldTexts = new Map()
  for (const [, text, name, optional] of declaration.matchAll(
    /(?:\/\*\*\n((?:(?!\*\/)[\s\S])*)\*\/\n\s*)?'(\w+)'(\?)?:/g,
  ))
    fieldTexts.set(name, { text: text === undefined ? '' : cleanText(text), required: optional === undefined })
  const code = readFileSync(join(models, `${model}.js`), 'utf8')
  const table = /attributeTypeMap = (\[[\s\S]*?\n?\]);/.exec(code)
  const fields = JSON.parse(table[1]).map(({ name, baseName, type, format }) => ({
    name: baseName,
    type,
    format,
    ...fieldTexts.get(name),
  }))
  return { text: classText === null ? '' : cleanText(classText[1]), fields }
}

const modelsIn = type => type.match(/[A-Z]\w*/g)?.filter(word => parseModel(word) !== undefined) ?? []

/** The group of every model: by name, else by the model that refers to it. */
const assignGroups = (all, names) => {
  const assigned = new Map()
  const undecided = []
  for (const model of all.keys()) {
    const { prefix, version, name } = parseModel(model)
    const group =
      prefix === undefined
        ? (newerGroups[model] ?? newerGroups[model.replace(/List$/, '')] ?? names.get(`${version}.${name}`))
        : (modelPrefixes[prefix] ?? 'none')
    if (group === undefined) undecided.push(model)
    else assigned.set(model, group)
  }
  for (let before = -1; before !== undecided.length;) {
    before = undecided.length
    for (const model of undecided.splice(0)) {
      const referrers = [...all].filter(([, { fields }]) => fields.some(field => modelsIn(field.type).includes(model)))
      const group = referrers.map(([name]) => assigned.get(name)).find(name => name !== undefined && name !== 'meta')
      if (group === undefined) undecided.push(model)
      else assigned.set(model, group)
    }
  }
  // Of groups that are not served (aggregation, say): nothing that is derived refers to them.
  for (const model of undecided) assigned.set(model, 'none')
  return assigned
}

/** `apps.v1.Deployment` -> `io.k8s.api.apps.v1.Deployment`; three groups' types live in repositories of their own. */
const fullName = short => {
  if (short.startsWith('meta.v1.')) return `${metaPrefix}${short.slice(8)}`
  if (short.startsWith('apiextensions.')) return `io.k8s.apiextensions-apiserver.pkg.apis.${short}`
  if (short.startsWith('apiregistration.')) return `io.k8s.kube-aggregator.pkg.apis.${short}`
  return `io.k8s.api.${short}`
}

const parseFacts = text => {
  const facts = new Map()
  for (const line of text.replaceAll(/\n {2,}/g, ' ').split('\n')) {
    const [definition, ...pairs] = line.split(' ')
    if (definition === '') continue
    facts.set(
      fullName(definition),
      new Map(pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
    )
  }
  return facts
}

const scalars = { string: 'string', boolean: 'boolean', Date: 'time', V1MicroTime: 'microtime', IntOrString: 'intstr' }

/** A type in the words of schemas.ts: `int32`, `[string` a list, `{quantity` a map, `#io.k8s…` a definition. */
const encodeType = (type, format, isQuantity, definitionOf) => {
  const list = /^Array<(.*)>$/.exec(type)
  if (list !== null) return `[${encodeType(list[1], format, isQuantity, definitionOf)}`
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
  if (map !== null) return `{${encodeType(map[1], format, isQuantity, definitionOf)}`
  if (isQuantity) return 'quantity'
  if (type === 'number') return format === '' ? 'double' : format
  if (type === 'string' && format === 'byte') return 'byte'
  return scalars[type] ?? (parseModel(type) === undefined ? 'any' : `#${definitionOf(type)}`)
}

const derive = async () => {
  const { listFacts } = await import(pathToFileURL(factsFile).href)
  const facts = parseFacts(listFacts)
  const names = readdirSync(models).flatMap(file => (file.endsWith('.d.ts') ? [file.slice(0, -5)] : []))
  // MicroTime is a class of its own among the models and a scalar everywhere else.
  const all = new Map(
    names.filter(name => parseModel(name) && name !== 'V1MicroTime').map(name => [name, readModel(name)]),
  )
  const { names: groupNames, texts: typeTexts } = readTypes()
  const assigned = assignGroups(all, groupNames)
  const definitionOf = model => {
    const { version, name } = parseModel(model)
    const group = assigned.get(model)
    if (!groups.has(group)) throw new Error(`derive-schemas: ${model} is referred to, and its group is not known`)
    return fullName(`${group}.${version}.${name}`)
  }
  const schemas = {}
  const texts = {}
  for (const [model, { text, fields }] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!groups.has(assigned.get(model))) continue
    const definition = definitionOf(model)
    const known = facts.get(definition)
    facts.delete(definition)
    const encoded = fields.map(field => {
      const words = (known?.get(field.name) ?? '').split(',').filter(word => word !== '')
      known?.delete(field.name)
      if (field.name === 'metadata' && field.type === 'V1ObjectMeta') words.push('there')
      const type = encodeType(field.type, field.format, words.includes('quantity'), definitionOf)
      const rest = words.filter(word => word !== 'quantity')
      return [field.name, rest.length === 0 ? type : `${type} ${rest.join(' ')}`]
    })
    const required = fields.filter(field => field.required).map(field => field.name)
    const self = known?.get('*')
    known?.delete('*')
    if (known !== undefined && known.size > 0)
      throw new Error(`derive-schemas: list-facts.ts names fields that ${definition} has not: ${[...known.keys()]}`)
    schemas[definition] = JSON.stringify({
      f: Object.fromEntries(encoded),
      ...(required.length === 0 ? {} : { r: required }),
      ...(self === undefined ? {} : { m: self }),
    })
    const short = definition.replace(metaPrefix, 'meta.v1.').replace('io.k8s.api.', '')
    const described = fields
      .map(({ name, text: own }) => [name, own === '' ? (typeTexts.get(`${short}.${name}`) ?? '') : own])
      .filter(([, words]) => words !== '')
    texts[definition] = JSON.stringify({ t: text, f: Object.fromEntries(described) })
  }
  if (facts.size > 0) throw new Error(`derive-schemas: list-facts.ts names unknown definitions: ${[...facts.keys()]}`)
  for (const [file, content] of [
    [outputs[0], schemas],
    [outputs[1], texts],
  ]) {
    // Renamed into place, so that a build that is cut short leaves no half file that looks new.
    writeFileSync(`${file}.new`, JSON.stringify(content))
    renameSync(`${file}.new`, file)
  }
}

if (!upToDate()) await derive()
