import type { UnknownObject } from '../../../kube/object.ts'
import { apiError } from '../../../kube/status.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import { notFound } from './api-errors.ts'
import type { ListRequest, ListResult } from './read-objects.ts'
import type { ObjectTarget, Registry } from './registry.ts'
import { makeSelection } from './selection.ts'

const compute = async (registry: Registry, { kind }: ObjectTarget): Promise<UnknownObject[]> => {
  if (kind.computed === undefined) throw apiError('MethodNotAllowed', `${kind.plural} are stored`)
  return kind.computed(() => registry.store.refresh())
}

const asEntry = (object: UnknownObject): StoredEntry => new StoredEntry('', 0, { object })

/** All objects of a kind that is looked up, not stored: they have no version, so there is nothing to page or watch. */
export const listComputed = async (
  registry: Registry,
  target: ObjectTarget,
  request: ListRequest,
): Promise<ListResult> => {
  const selection = makeSelection(target.kind, request.labelSelector, request.fieldSelector)
  const objects = await compute(registry, target)
  return { resourceVersion: '', entries: objects.filter(object => selection.matches(object)).map(asEntry) }
}

export const getComputed = async (registry: Registry, target: ObjectTarget): Promise<StoredEntry> => {
  const found = (await compute(registry, target)).find(object => object.metadata?.name === target.name)
  if (found === undefined) throw notFound(target.kind, target.name)
  return asEntry(found)
}
