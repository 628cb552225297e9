import { ageColumn, nameColumn } from './column.ts'
import type { DeviceClass } from './device-claim.ts'
import { validateCelSelectors, validateOpaque } from './device-claim-validation.ts'
import { draftOf } from './draft.ts'
import { tooMany } from './field-error.ts'
import type { Kind } from './kind.ts'

const maxConfigs = 32

export const deviceClassKind: Kind = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.resource.v1.DeviceClass',
  hasStatus: false,
  subresources: [],
  generationFields: ['spec'],
  validate: object => {
    const { selectors, config = [] } = draftOf<DeviceClass>(object).spec ?? {}
    return [
      ...validateCelSelectors(selectors, 'spec.selectors'),
      ...(config.length > maxConfigs ? [tooMany('spec.config', config.length, maxConfigs)] : []),
      ...config.flatMap((row, i) => validateOpaque(row, `spec.config[${i}]`)),
    ]
  },
  columns: [nameColumn, ageColumn],
}
