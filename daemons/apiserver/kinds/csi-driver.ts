import { isDeepStrictEqual } from 'node:util'
import type { CSIDriver, TokenRequest } from 'kubernetes-types/storage/v1.js'
import { ageColumn, column, nameColumn, orNone } from './column.ts'
import { validateCsiDriverName } from './csi-driver-name.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, immutableMessage, invalid, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'

const lifecycleModes = ['Persistent', 'Ephemeral']
const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType']
const minTokenSeconds = 600
const maxTokenSeconds = 2 ** 32

const setDefaults = ({ spec }: Draft<CSIDriver>): void => {
  if (!spec) return
  spec.attachRequired ??= true
  spec.podInfoOnMount ??= false
  spec.storageCapacity ??= false
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
  if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
  spec.requiresRepublish ??= false
  spec.seLinuxMount ??= false
}

const validateTokens = (tokens: Draft<TokenRequest>[] | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const audiences = new Set<string>()
  for (const [i, { audience = '', expirationSeconds: seconds }] of (tokens ?? []).entries()) {
    const at = `${path}[${i}]`
    if (audiences.has(audience)) errors.push(duplicate(`${at}.audience`, audience))
    audiences.add(audience)
    if (seconds === undefined) continue
    if (seconds < minTokenSeconds)
      errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
    if (seconds > maxTokenSeconds)
      errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  }
  return errors
}

const validate = ({ metadata, spec = {} }: Draft<CSIDriver>): FieldError[] => {
  const errors = metadata?.name ? validateCsiDriverName(metadata.name, 'metadata.name') : []
  for (const field of ['attachRequired', 'podInfoOnMount', 'storageCapacity', 'seLinuxMount'] as const)
    if (spec[field] === undefined) errors.push(required(`spec.${field}`))
  if (spec.fsGroupPolicy === undefined) errors.push(required('spec.fsGroupPolicy'))
  else if (!groupPolicies.includes(spec.fsGroupPolicy))
    errors.push(notSupported('spec.fsGroupPolicy', spec.fsGroupPolicy, groupPolicies))
  errors.push(...validateTokens(spec.tokenRequests, 'spec.tokenRequests'))
  for (const mode of spec.volumeLifecycleModes ?? [])
    if (!lifecycleModes.includes(mode)) errors.push(notSupported('spec.volumeLifecycleModes', mode, lifecycleModes))
  return errors
}

const validateUpdate = ({ spec = {} }: Draft<CSIDriver>, { spec: old = {} }: Draft<CSIDriver>): FieldError[] => {
  const errors: FieldError[] = []
  // Upstream's path has this extra letter pair, and clients see it.
  if (spec.attachRequired !== old.attachRequired)
    errors.push(invalid('spec.attachedRequired', spec.attachRequired, immutableMessage))
  if (!isDeepStrictEqual(spec.volumeLifecycleModes, old.volumeLifecycleModes))
    errors.push(invalid('spec.volumeLifecycleModes', spec.volumeLifecycleModes, immutableMessage))
  return errors
}

const audiencesOf = (tokens: Draft<TokenRequest>[] | undefined): string =>
  tokens ? tokens.map(({ audience = '' }) => audience).join(',') : '<unset>'

const flag = { type: 'boolean' } as const

export const csiDriverKind: Kind = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.storage.v1.CSIDriver',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  setDefaults: object => setDefaults(draftOf<CSIDriver>(object)),
  validate: object => validate(draftOf<CSIDriver>(object)),
  validateUpdate: (object, old) => validateUpdate(draftOf<CSIDriver>(object), draftOf<CSIDriver>(old)),
  columns: [
    nameColumn,
    column<CSIDriver>('AttachRequired', 'Whether volumes are attached.', o => o.spec?.attachRequired ?? true, flag),
    column<CSIDriver>('PodInfoOnMount', 'Whether it is told of the pod.', o => o.spec?.podInfoOnMount ?? false, flag),
    column<CSIDriver>('StorageCapacity', 'Whether it says what is left.', o => o.spec?.storageCapacity ?? false, flag),
    column<CSIDriver>('TokenRequests', 'Audiences of its tokens.', o => audiencesOf(o.spec?.tokenRequests)),
    column<CSIDriver>(
      'RequiresRepublish',
      'Whether volumes are published again and again.',
      o => o.spec?.requiresRepublish ?? false,
      flag,
    ),
    column<CSIDriver>('Modes', 'Lives of its volumes.', o => orNone(o.spec?.volumeLifecycleModes?.join(','))),
    ageColumn,
  ],
}
