import { isJsonObject } from './json-value.ts'

/**
 * A set of field paths in the shape of managedFields' fieldsV1: keys are path elements (`f:name`, `k:{"name":"x"}`,
 * `v:"x"`, `i:0`), a path is in the set when its node has the key `.` or no keys at all. The root is no path.
 * Every function here returns new sets and leaves its arguments as they are; parts may be shared.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet
}

export const emptySet: FieldSet = Object.freeze({})
const dot: FieldSet = emptySet

export const isEmptySet = (set: FieldSet): boolean => {
  for (const _ in set) return false
  return true
}

/** Whether the path that leads to this node is in the set. */
export const isMember = (node: FieldSet): boolean => Object.hasOwn(node, '.') || isEmptySet(node)

const childOf = (node: FieldSet, element: string): FieldSet | undefined =>
  Object.hasOwn(node, element) ? node[element] : undefined

/** The node below one path element, or undefined. */
export const descend = (node: FieldSet | undefined, element: string): FieldSet | undefined =>
  node === undefined ? undefined : childOf(node, element)

/** Objects of one kind have the same fields over and over: their elements are put together once, up to this many. */
const maxElements = 4096
const elements = new Map<string, string>()

/** `f:name`, the path element of a field or of a map's key. */
export const fieldElement = (name: string): string => {
  let element = elements.get(name)
  if (element === undefined) {
    element = `f:${name}`
    if (elements.size < maxElements) elements.set(name, element)
  }
  return element
}

type Child = readonly [element: string, node: FieldSet]

/** By insertion: there are few children, and most come sorted. */
const sortChildren = (children: Child[]): void => {
  for (let i = 1; i < children.length; i++) {
    const child = children[i]
    if (child === undefined) continue
    let at = i
    for (let before = children[at - 1]; before !== undefined && before[0] > child[0]; before = children[at - 1]) {
      children[at] = before
      at--
    }
    children[at] = child
  }
}

/**
 * A node from its parts, which it may put in another order; undefined when nothing is in it. Elements are sorted, so
 * that equal sets are equal text.
 */
export const makeNode = (member: boolean, children: Child[]): FieldSet | undefined => {
  if (children.length === 0) return member ? dot : undefined
  if (children.length > 32) children.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  else sortChildren(children)
  const node: Record<string, FieldSet> = {}
  if (member) node['.'] = dot
  for (const [element, child] of children) node[element] = child
  return node
}

const elementsOf = (node: FieldSet): string[] => Object.keys(node).filter(element => element !== '.')

const uniteNodes = (a: FieldSet, b: FieldSet, member: boolean): FieldSet => {
  const children: [string, FieldSet][] = []
  for (const element of elementsOf(a)) {
    const left = childOf(a, element) ?? emptySet
    const right = childOf(b, element)
    children.push([element, right === undefined ? left : uniteNodes(left, right, isMember(left) || isMember(right))])
  }
  for (const element of elementsOf(b))
    if (!Object.hasOwn(a, element)) children.push([element, childOf(b, element) ?? emptySet])
  return makeNode(member, children) ?? emptySet
}

export const union = (a: FieldSet, b: FieldSet): FieldSet =>
  isEmptySet(a) ? b : isEmptySet(b) ? a : uniteNodes(a, b, false)

/** The paths of `a` that are not in `b`; `a` itself when none is. */
export const difference = (a: FieldSet, b: FieldSet): FieldSet => {
  let changed = false
  const children: [string, FieldSet][] = []
  for (const element of elementsOf(a)) {
    const left = childOf(a, element) ?? emptySet
    const right = childOf(b, element)
    if (right === undefined) {
      children.push([element, left])
      continue
    }
    const member = isMember(left)
    const stays = member && !isMember(right)
    const below = isEmptySet(left) ? left : difference(left, right)
    if (stays === member && below === left) {
      children.push([element, left])
      continue
    }
    changed = true
    const rest = makeNode(
      stays,
      elementsOf(below).map(name => [name, childOf(below, name) ?? emptySet] as const),
    )
    if (rest !== undefined) children.push([element, rest])
  }
  return changed ? (makeNode(false, children) ?? emptySet) : a
}

/** The paths that are in both. */
export const intersection = (a: FieldSet, b: FieldSet): FieldSet => {
  const children: [string, FieldSet][] = []
  for (const element of elementsOf(a)) {
    const left = childOf(a, element) ?? emptySet
    const right = childOf(b, element)
    if (right === undefined) continue
    const below = intersection(left, right)
    const both = makeNode(
      isMember(left) && isMember(right),
      elementsOf(below).map(name => [name, childOf(below, name) ?? emptySet] as const),
    )
    if (both !== undefined) children.push([element, both])
  }
  return makeNode(false, children) ?? emptySet
}

/** `a` without these first-level or second-level elements and all below them: `without(set, [['f:metadata', 'f:name']])`. */
export const without = (set: FieldSet, paths: readonly (readonly string[])[]): FieldSet => {
  const first = new Set(paths.filter(path => path.length === 1).map(([element]) => element))
  const children: [string, FieldSet][] = []
  for (const element of elementsOf(set)) {
    if (first.has(element)) continue
    const node = childOf(set, element) ?? emptySet
    const deeper = paths.filter(path => path.length > 1 && path[0] === element).map(path => path.slice(1))
    if (deeper.length === 0) {
      children.push([element, node])
      continue
    }
    const below = without(node, deeper)
    const rest = makeNode(
      isMember(node),
      elementsOf(below).map(name => [name, childOf(below, name) ?? emptySet] as const),
    )
    if (rest !== undefined) children.push([element, rest])
  }
  return makeNode(false, children) ?? emptySet
}

const elementText = (element: string): string => {
  const body = element.slice(2)
  if (element.startsWith('f:')) return `.${body}`
  if (element.startsWith('v:')) return `[=${body}]`
  if (element.startsWith('i:')) return `[${body}]`
  const keys: unknown = JSON.parse(body)
  const parts = isJsonObject(keys) ? Object.keys(keys).map(key => `${key}=${JSON.stringify(keys[key])}`) : []
  return `[${parts.join(',')}]`
}

/** Every path in the set as upstream prints it: `.spec.template.spec.containers[name="web"].image`. */
export const pathsOf = (set: FieldSet, prefix = ''): string[] =>
  elementsOf(set).flatMap(element => {
    const node = childOf(set, element) ?? emptySet
    const path = `${prefix}${elementText(element)}`
    return [...(isMember(node) ? [path] : []), ...pathsOf(node, path)]
  })

const wellFormed = (element: string, node: unknown): boolean => {
  if (element === '.') return isJsonObject(node) && Object.keys(node).length === 0
  if (!isJsonObject(node)) return false
  if (element.startsWith('k:') || element.startsWith('v:'))
    try {
      JSON.parse(element.slice(2))
    } catch {
      return false
    }
  else if (!element.startsWith('f:') && !element.startsWith('i:')) return false
  return Object.keys(node).every(key => wellFormed(key, node[key]))
}

/** A client's fieldsV1 as a set; undefined when it is none. */
export const parseFieldSet = (value: unknown): FieldSet | undefined =>
  isJsonObject(value) && Object.keys(value).every(key => key !== '.' && wellFormed(key, value[key]))
    ? (value as FieldSet)
    : undefined
