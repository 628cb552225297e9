import type { Pod } from 'kubernetes-types/core/v1.js'
import { draftOf } from '../kinds/draft.ts'
import type { AdmissionPlugin } from './plugin.ts'

/** Every container's image is pulled anew, so that nobody runs a private image that a node only happens to hold. */
export const alwaysPullImagesPlugin: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  handles: ({ kind, subresource, operation }) =>
    kind.group === '' &&
    kind.plural === 'pods' &&
    (subresource === '' || subresource === 'ephemeralcontainers') &&
    (operation === 'create' || operation === 'update'),
  admit: ({ object }) => {
    const spec = object === undefined ? undefined : draftOf<Pod>(object).spec
    for (const parts of [spec?.initContainers, spec?.containers, spec?.ephemeralContainers])
      for (const part of parts ?? []) part.imagePullPolicy = 'Always'
  },
}
