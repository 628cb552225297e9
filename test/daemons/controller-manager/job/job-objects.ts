import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { FakeClient } from '../../../../kube/client/fake-client.ts'
import { pods } from '../../../../kube/resources.ts'
import type { Harness } from '../harness.ts'
import { t0 } from '../objects.ts'

/** As the server completes it. */
export const job = (name: string, spec: Partial<Job['spec']> = {}, status: Job['status'] = {}): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default', uid: `j-${name}`, generation: 1, creationTimestamp: t0 },
  spec: {
    parallelism: 1,
    ...(spec?.parallelism === undefined ? { completions: 1 } : {}),
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: spec?.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': `j-${name}` } },
    template: {
      metadata: { labels: { 'batch.kubernetes.io/controller-uid': `j-${name}`, 'batch.kubernetes.io/job-name': name } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'v1' }] },
    },
    ...spec,
  },
  status,
})

interface End {
  phase: 'Succeeded' | 'Failed'
  exitCode?: number
  conditions?: { type: string; status: string }[]
}

/** Lets a pod end as its kubelet would tell. */
export const end = (
  client: FakeClient,
  pod: Pod,
  { phase, exitCode = phase === 'Failed' ? 1 : 0, conditions = [] }: End,
  nowMs: number,
): void => {
  const finishedAt = new Date(nowMs).toISOString()
  client.set<Pod>({
    ...pod,
    status: {
      phase,
      conditions,
      containerStatuses: [
        {
          name: 'c',
          image: 'v1',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { terminated: { exitCode, finishedAt } },
        },
      ],
    },
  })
}

/** Pods that have not ended, by name. */
export const running = ({ client }: Harness): Pod[] =>
  client
    .objects(pods)
    .filter(
      ({ status, metadata }) =>
        !['Succeeded', 'Failed'].includes(status?.phase ?? '') && metadata?.deletionTimestamp === undefined,
    )
    .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
