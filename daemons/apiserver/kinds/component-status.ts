import type { ComponentStatus } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import type { ComponentHealth } from '../component-health.ts'
import { column, nameColumn } from './column.ts'
import type { Draft } from './draft.ts'
import type { Kind } from './kind.ts'

const statusOf = ({ name, error }: ComponentHealth): UnknownObject => ({
  kind: 'ComponentStatus',
  apiVersion: 'v1',
  metadata: { name },
  conditions: [
    error === undefined
      ? { type: 'Healthy', status: 'True', message: 'ok' }
      : { type: 'Healthy', status: 'False', message: error },
  ],
})

const healthy = (o: Draft<ComponentStatus>) => (o.conditions ?? []).find(condition => condition.type === 'Healthy')

const word = (o: Draft<ComponentStatus>): string => {
  const status = healthy(o)?.status
  return status === undefined ? 'Unknown' : status === 'True' ? 'Healthy' : 'Unhealthy'
}

/** Not stored: how the parts of the control plane are at this moment. */
export const componentStatusKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  shortNames: ['cs'],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.core.v1.ComponentStatus',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  computed: async readStore => {
    const { componentHealth } = await import('../component-health.ts')
    return (await componentHealth(readStore)).map(statusOf)
  },
  columns: [
    nameColumn,
    column<ComponentStatus>('Status', 'Whether it is well.', word),
    column<ComponentStatus>('Message', 'What it answered.', o => healthy(o)?.message ?? ''),
    column<ComponentStatus>('Error', 'Why it could not be asked.', o => healthy(o)?.error ?? ''),
  ],
}
