import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { isDeepStrictEqual } from 'node:util'

export interface Packing {
  /** Slices that stay; `endpoints` is undefined where nothing changes. */
  kept: { slice: EndpointSlice; endpoints: Endpoint[] | undefined }[]
  created: Endpoint[][]
  removed: EndpointSlice[]
}

/** An endpoint stays the same one as long as its pod and address do. */
const identity = (endpoint: Endpoint): string =>
  `${endpoint.targetRef?.namespace ?? ''}/${endpoint.targetRef?.name ?? ''}/${endpoint.targetRef?.uid ?? ''}/${endpoint.addresses.join()}`

/**
 * Distributes endpoints over slices with as few writes as upstream does: each endpoint stays in its slice; new ones go
 * where a write is due anyway, then to the fullest slice that holds them all, then to new slices.
 */
export const packSlices = (
  slices: readonly EndpointSlice[],
  desired: readonly Endpoint[],
  maxEndpoints: number,
): Packing => {
  const left = new Map(desired.map(endpoint => [identity(endpoint), endpoint]))
  const places = slices.map(slice => {
    let changed = false
    const endpoints = (slice.endpoints ?? []).flatMap(old => {
      const wanted = left.get(identity(old))
      left.delete(identity(old))
      if (wanted === undefined || !isDeepStrictEqual(wanted, old)) changed = true
      return wanted ?? []
    })
    return { slice, endpoints, changed }
  })
  const fresh = [...left.values()]
  for (const place of places)
    if (place.changed) place.endpoints.push(...fresh.splice(0, Math.max(0, maxEndpoints - place.endpoints.length)))
  if (fresh.length > 0) {
    const fits = places
      .filter(place => place.endpoints.length + (fresh.length % maxEndpoints || maxEndpoints) <= maxEndpoints)
      .sort((a, b) => b.endpoints.length - a.endpoints.length)[0]
    if (fits !== undefined) {
      fits.endpoints.push(...fresh.splice(0, fresh.length % maxEndpoints || maxEndpoints))
      fits.changed = true
    }
  }
  const created: Endpoint[][] = []
  while (fresh.length > 0) created.push(fresh.splice(0, maxEndpoints))
  const isNeeded = (place: (typeof places)[number], index: number) =>
    place.endpoints.length > 0 || (desired.length === 0 && index === 0)
  // Without endpoints the first slice stays as the placeholder.
  if (desired.length === 0 && places.length === 0) created.push([])
  return {
    kept: places
      .filter(isNeeded)
      .map(({ slice, endpoints, changed }) => ({ slice, endpoints: changed ? endpoints : undefined })),
    created,
    removed: places.filter((place, index) => !isNeeded(place, index)).map(place => place.slice),
  }
}
