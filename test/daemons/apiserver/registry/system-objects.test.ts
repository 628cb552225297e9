import t from 'tap'
import { parseServiceRanges } from '../../../../daemons/apiserver/allocation/service-range.ts'
import { ensureSystemObjects, restoreSystemObjects } from '../../../../daemons/apiserver/registry/system-objects.ts'
import { InProcessClient } from '../../../../daemons/apiserver/in-process-client.ts'
import type { ReadOptions } from '../../../../kube/client/client.ts'
import type { KubeObject } from '../../../../kube/object.ts'
import type { Resource } from '../../../../kube/resource.ts'
import { flowSchemas, priorityLevelConfigurations, serviceCidrs } from '../../../../kube/resources.ts'
import { apiError } from '../../../../kube/status.ts'
import { admin, makeRegistry } from './test-registry.ts'

const serviceRanges = parseServiceRanges('10.96.0.0/16')
const endpoint = { clusterIp: '10.96.0.1', address: '192.0.2.1', port: 6443, serviceRanges }

t.test('a cluster begins with upstream’s priority levels, each flow on one of them', async t => {
  const { client } = await makeRegistry(t)
  const levels = (await client.list(priorityLevelConfigurations)).items.map(item => item.metadata?.name ?? '')
  t.same(levels.toSorted(), [
    'catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high', 'workload-low',
  ]) // prettier-ignore
  const flows = (await client.list(flowSchemas)).items
  t.equal(flows.length, 13)
  for (const { metadata, spec } of flows)
    t.ok(levels.includes(spec?.priorityLevelConfiguration.name ?? ''), metadata?.name ?? '')
})

t.test('a changed flow is put right while it says so, and left alone when it does not', async t => {
  const { client } = await makeRegistry(t)
  const patch = (name: string, annotations: object) =>
    client.patch(flowSchemas, name, { metadata: { annotations }, spec: { matchingPrecedence: 77 } }, { type: 'merge' })
  await patch('probes', {})
  await patch('global-default', { 'apf.kubernetes.io/autoupdate-spec': 'false' })
  await ensureSystemObjects(client, endpoint)
  const precedence = async (name: string) => (await client.get(flowSchemas, name)).spec?.matchingPrecedence
  t.equal(await precedence('probes'), 2)
  t.equal(await precedence('global-default'), 77)
})

t.test('what is right is not written again', async t => {
  const { client, store } = await makeRegistry(t)
  const before = store.revision
  await ensureSystemObjects(client, endpoint)
  t.equal(store.revision, before)
})

t.test('what another server makes in between is no failure', async t => {
  const { registry, store } = await makeRegistry(t)
  /** Finds no object at its first look, as a server does whose view is a moment old. */
  class LateClient extends InProcessClient {
    readonly seen = new Set<string>()
    override async get<T extends KubeObject>(resource: Resource<T>, name: string, options?: ReadOptions): Promise<T> {
      const key = `${resource.plural}/${name}`
      if (this.seen.has(key)) return super.get(resource, name, options)
      this.seen.add(key)
      throw apiError('NotFound', `${key} not found`)
    }
  }
  const before = store.revision
  const late = new LateClient(registry, admin)
  await ensureSystemObjects(late, endpoint)
  t.ok(late.seen.size > 20, `${late.seen.size} objects were thought missing`)
  t.equal(store.revision, before, 'nothing was written twice')
})

t.test('a priority level that is deleted comes back', async t => {
  const { client, store } = await makeRegistry(t)
  const back = new Promise<void>((resolve, reject) => {
    const stop = restoreSystemObjects(
      store,
      async () => {
        await ensureSystemObjects(client, endpoint)
        resolve()
      },
      reject,
    )
    t.teardown(stop)
  })
  await client.delete(priorityLevelConfigurations, 'exempt')
  await back
  t.equal((await client.get(priorityLevelConfigurations, 'exempt')).spec?.type, 'Exempt')
})

t.test('the range of ClusterIPs is an object that is ready', async t => {
  const { client } = await makeRegistry(t)
  const { spec, status } = await client.get(serviceCidrs, 'kubernetes')
  t.same(spec, { cidrs: ['10.96.0.0/16'] })
  t.match(status?.conditions, [{ type: 'Ready', status: 'True' }])
})
