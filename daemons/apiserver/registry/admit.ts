import type { AdmissionPlugin, AdmissionRequest } from '../admission/plugin.ts'
import type { Registry } from './registry.ts'

/**
 * Runs the admission plugins in their order, then `commit`; every plugin that let the request pass is told whether it
 * was written, so that what it allocated can be given back. `happened` says whether what the request asks for has come
 * about: an object that is only marked for deletion still holds what it was given.
 */
export const admitThen = async <T>(
  registry: Registry,
  request: AdmissionRequest,
  commit: () => Promise<T>,
  happened: (result: T) => boolean = result => result !== undefined,
): Promise<T> => {
  const admitted: AdmissionPlugin[] = []
  let committed = false
  try {
    for (const plugin of registry.plugins) {
      const pending = plugin.admit(request, registry.reader)
      if (pending !== undefined) await pending
      admitted.push(plugin)
    }
    const result = await commit()
    committed = !request.dryRun && happened(result)
    return result
  } finally {
    for (const plugin of admitted.reverse()) plugin.finish?.(request, committed)
  }
}

/** Tells every plugin that an object is gone that was removed by something else than a delete request: its last finalizer. */
export const tellRemoved = (
  registry: Registry,
  request: Omit<AdmissionRequest, 'operation' | 'object' | 'dryRun'>,
): void => {
  const removal: AdmissionRequest = { ...request, operation: 'delete', object: undefined, dryRun: false }
  for (const plugin of registry.plugins) plugin.finish?.(removal, true)
}
