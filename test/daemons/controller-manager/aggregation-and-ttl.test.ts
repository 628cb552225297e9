import type { Job } from 'kubernetes-types/batch/v1.js'
import type { ClusterRole } from 'kubernetes-types/rbac/v1.js'
import t from 'tap'
import { expiryOf } from '../../../daemons/controller-manager/ttl-after-finished-controller.ts'
import { clusterRoles, jobs } from '../../../kube/resources.ts'
import { runControllers } from './harness.ts'
import { t0 } from './objects.ts'

const role = (name: string, more: Partial<ClusterRole>): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  rules: [],
  ...more,
  metadata: { name, uid: name, ...more.metadata },
})
const rule = (resource: string) => ({ verbs: ['get'], apiGroups: [''], resources: [resource] })
const labels = { 'example.com/gather': 'true' }

t.test('a role gathers the rules of those that it selects, each once, whenever one changes', async t => {
  const gathering = role('all', { aggregationRule: { clusterRoleSelectors: [{ matchLabels: labels }] } })
  const { client, settle } = await runControllers(
    t,
    ['clusterrole-aggregation-controller'],
    [
      gathering,
      role('b', { metadata: { labels }, rules: [rule('pods'), rule('nodes')] }),
      role('a', { metadata: { labels }, rules: [rule('pods')] }),
      role('other', { rules: [rule('secrets')] }),
    ],
  )
  const resources = async () =>
    ((await client.get(clusterRoles, 'all')).rules ?? []).map(({ resources: named }) => named?.[0])
  t.same(await resources(), ['pods', 'nodes'])
  client.set(role('c', { metadata: { labels }, rules: [rule('events')] }))
  await settle()
  t.same(await resources(), ['pods', 'nodes', 'events'])
})

const job = (name: string, ttlSecondsAfterFinished: number | undefined, finished: boolean): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default', uid: name },
  spec: {
    template: { spec: { containers: [] } },
    ...(ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished }),
  },
  ...(finished ? { status: { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: t0 }] } } : {}),
})

t.test('a Job has no end before it has finished, nor without a time to live', async t => {
  t.equal(expiryOf(job('a', 60, false)), undefined)
  t.equal(expiryOf(job('a', undefined, true)), undefined)
  t.equal(expiryOf(job('a', 60, true)), Date.parse(t0) + 60_000)
})

t.test('a finished Job is deleted when its time is up, others stay', async t => {
  const { client, clock, settle } = await runControllers(t, ['ttl-after-finished-controller'])
  const finishedAt = new Date(clock.now()).toISOString()
  const conditions = [{ type: 'Complete', status: 'True', lastTransitionTime: finishedAt }]
  client.set({ ...job('short', 60, true), status: { conditions } } as Job)
  client.set(job('running', 0, false))
  await settle()
  const going = async (): Promise<string[]> =>
    (await client.list(jobs, { namespace: 'default' })).items
      .filter(({ metadata }) => metadata?.deletionTimestamp !== undefined)
      .map(({ metadata }) => metadata?.name ?? '')
  t.same(await going(), [])
  await clock.advance(61_000)
  await settle()
  // In the foreground: it waits for what it owns.
  t.same(await going(), ['short'])
})
