import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Container, Pod } from 'kubernetes-types/core/v1.js'
import { jobs } from '../../../kube/resources.ts'
import { controllerReference } from '../owner.ts'
import { podFromTemplate } from '../pod-state.ts'
import { failureAnnotations, hasLimitPerIndex, indexFailures, indexKey, trackingFinalizer } from './job-pods.ts'
import { isFailureCounted } from './pod-failure-policy.ts'

const indexVariable = 'JOB_COMPLETION_INDEX'

const withIndexVariable = (container: Container): Container => {
  if ((container.env ?? []).some(({ name }) => name === indexVariable)) return container
  const fieldRef = { fieldPath: `metadata.labels['${indexKey}']` }
  return { ...container, env: [...(container.env ?? []), { name: indexVariable, valueFrom: { fieldRef } }] }
}

/** What the next pod of an index is told of those before it. `replaced` is the last of these. */
const failuresSoFar = (job: Job, replaced: Pod | undefined): Record<string, string> => {
  if (replaced === undefined) return failureAnnotations(0, 0)
  const { counted, ignored } = indexFailures(replaced)
  return isFailureCounted(job.spec?.podFailurePolicy, replaced)
    ? failureAnnotations(counted + 1, ignored)
    : failureAnnotations(counted, ignored + 1)
}

/** A pod of the Job; with an index in Indexed mode. */
export const jobPod = (job: Job, index?: number, replaced?: Pod): Pod => {
  const { name = '', namespace = '' } = job.metadata ?? {}
  const pod = podFromTemplate(job.spec?.template, {
    namespace,
    // The name stays within 63 characters with the five that the server adds.
    generateName: index === undefined ? `${name}-` : `${name.slice(0, 57 - String(index).length - 1)}-${index}-`,
    owner: controllerReference(job, jobs),
  })
  const finalizers = [...new Set([...(pod.metadata?.finalizers ?? []), trackingFinalizer])]
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } }
  const { containers = [], initContainers } = pod.spec ?? {}
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      finalizers,
      labels: { ...pod.metadata?.labels, [indexKey]: String(index) },
      annotations: {
        ...pod.metadata?.annotations,
        [indexKey]: String(index),
        ...(hasLimitPerIndex(job) ? failuresSoFar(job, replaced) : {}),
      },
    },
    spec: {
      ...pod.spec,
      hostname: `${name}-${index}`,
      containers: containers.map(withIndexVariable),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(withIndexVariable) }),
    },
  }
}
