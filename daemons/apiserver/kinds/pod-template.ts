import type { PodTemplate } from 'kubernetes-types/core/v1.js'
import { column, containerImages, containerNames, formatLabels, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Kind } from './kind.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { validatePodTemplate } from './pod-template-validation.ts'
import { templateWarnings } from './pod-warnings.ts'

export const podTemplateKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  shortNames: [],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.PodTemplate',
  hasStatus: false,
  subresources: [],
  generationFields: ['template'],
  setDefaults: object => defaultPodTemplate(draftOf<PodTemplate>(object)),
  validate: object => validatePodTemplate(draftOf<PodTemplate>(object).template ?? {}, 'template'),
  warnings: object => templateWarnings(draftOf<PodTemplate>(object).template, 'template'),
  columns: [
    nameColumn,
    column<PodTemplate>('Containers', 'The names of its containers.', o =>
      containerNames(o.template?.spec?.containers),
    ),
    column<PodTemplate>('Images', 'The images of its containers.', o => containerImages(o.template?.spec?.containers)),
    column<PodTemplate>('Pod Labels', 'The labels of its pods.', o => formatLabels(o.template?.metadata?.labels)),
  ],
}
