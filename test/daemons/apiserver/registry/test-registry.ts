import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Deployment, DeploymentSpec } from 'kubernetes-types/apps/v1.js'
import type { ConfigMap, Pod, PodSpec } from 'kubernetes-types/core/v1.js'
import type { Test } from 'tap'
import { makeAuthorization } from '../../../../daemons/apiserver/auth/authorization-mode.ts'
import { tokenChain } from '../../../../daemons/apiserver/auth/tokens/token-authenticator.ts'
import type { UserInfo } from '../../../../daemons/apiserver/auth/user-info.ts'
import { namespaceLifecycle } from '../../../../daemons/apiserver/admission/namespace-lifecycle.ts'
import type { AdmissionPlugin } from '../../../../daemons/apiserver/admission/plugin.ts'
import { alwaysAllow } from '../../../../daemons/apiserver/auth/authorizer.ts'
import { admissionPlugins } from '../../../../daemons/apiserver/admission/plugins.ts'
import { selectPlugins } from '../../../../daemons/apiserver/admission/select-plugins.ts'
import { InProcessClient } from '../../../../daemons/apiserver/in-process-client.ts'
import { parseServiceRanges } from '../../../../daemons/apiserver/allocation/service-range.ts'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { Registry } from '../../../../daemons/apiserver/registry/registry.ts'
import { ensureSystemObjects } from '../../../../daemons/apiserver/registry/system-objects.ts'
import { LmdbStore } from '../../../../daemons/apiserver/store/lmdb-store.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { serviceAccounts } from '../../../../kube/resources.ts'

interface Named {
  metadata: { name: string; namespace: string }
}

export const admin: UserInfo = { name: 'kubernetes-admin', groups: ['system:masters'] }

/** A registry of every built-in kind on a store of its own, with the system's objects and a default service account. */
export const makeRegistry = async (t: Test, { more = [] }: { more?: readonly AdmissionPlugin[] } = {}) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-registry-'))
  const stop = new AbortController()
  const clock = new FakeClock()
  const store = await LmdbStore.open({ directory, clock, signal: stop.signal })
  const ranges = { serviceClusterIpRange: '10.96.0.0/16', serviceNodePortRange: '30000-32767' }
  const known = [namespaceLifecycle, ...admissionPlugins({ ...ranges, clock, authorizer: alwaysAllow })]
  const plugins = [...selectPlugins(known, { enable: [], disable: [] }), ...more]
  const { authorizer } = makeAuthorization(['Node', 'RBAC'], store)
  const registry = new Registry({ store, kinds: builtinKinds, plugins, authorizer, tokens: tokenChain([]), clock })
  const client = new InProcessClient(registry, admin)
  await ensureSystemObjects(client, {
    clusterIp: '10.96.0.1',
    address: '192.0.2.1',
    port: 6443,
    serviceRanges: parseServiceRanges(ranges.serviceClusterIpRange),
  })
  await client.create(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  t.teardown(async () => {
    stop.abort(new Error('the test is over'))
    await store.close()
    rmSync(directory, { recursive: true })
  })
  return { registry, client, clock, store, as: (user: UserInfo) => new InProcessClient(registry, user) }
}

export const configMap = (name: string, data: Record<string, string> = {}): ConfigMap & Named => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
})

export const pod = (name: string, metadata: Record<string, unknown> = {}): Pod & Named & { spec: PodSpec } => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...metadata },
  spec: { containers: [{ name: 'web', image: 'busybox:1' }] },
})

export const deployment = (name: string, replicas = 1): Deployment & { spec: DeploymentSpec } => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', image: 'busybox:1' }] },
    },
  },
})
