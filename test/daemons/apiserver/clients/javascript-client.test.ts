import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  VersionApi,
  Watch,
} from '@kubernetes/client-node'
import t from 'tap'
import { deployment } from '../registry/test-registry.ts'
import { startTestServer } from '../http/test-server.ts'
import { kubeconfig } from './test-kubeconfig.ts'

const server = await startTestServer(t)
const config = new KubeConfig()
config.loadFromString(kubeconfig(server.url, server.authority, server.admin))
const core = config.makeApiClient(CoreV1Api)
const namespace = 'default'
const named = (name: string, data: Record<string, string>, labels: Record<string, string> = {}): V1ConfigMap => ({
  metadata: { name, labels },
  data,
})

const withData = ({ metadata = {} }: V1ConfigMap, data: Record<string, string>): V1ConfigMap => ({ metadata, data })

/** The HTTP code of a call that fails, and the reason in its Status. */
const failureOf = async (call: Promise<unknown>): Promise<unknown[]> => {
  try {
    await call
    return []
  } catch (error) {
    if (!(error instanceof ApiException)) throw error
    return [error.code, (JSON.parse(String(error.body)) as { reason: string }).reason]
  }
}

void t.test('objects are created, read, replaced and deleted, and failures have their codes', async t => {
  const made = await core.createNamespacedConfigMap({ namespace, body: named('a', { n: '1' }) })
  t.ok(made.metadata?.creationTimestamp instanceof Date)
  t.same(await core.readNamespacedConfigMap({ namespace, name: 'a' }), made)
  t.same(await failureOf(core.createNamespacedConfigMap({ namespace, body: named('a', {}) })), [409, 'AlreadyExists'])
  const replaced = await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: withData(made, { n: '2' }) })
  t.same(replaced.data, { n: '2' })
  const stale = core.replaceNamespacedConfigMap({ namespace, name: 'a', body: withData(made, { n: '3' }) })
  t.same(await failureOf(stale), [409, 'Conflict'])
  const invalid = core.createNamespacedConfigMap({ namespace, body: named('No Name', {}) })
  t.same(await failureOf(invalid), [422, 'Invalid'])
  t.match(await core.deleteNamespacedConfigMap({ namespace, name: 'a' }), { status: 'Success' })
  t.same(await failureOf(core.readNamespacedConfigMap({ namespace, name: 'a' })), [404, 'NotFound'])
})

void t.test('patches of all kinds are sent by their media types', async t => {
  await core.createNamespacedConfigMap({ namespace, body: named('patched', { a: '1' }) })
  const patch = async (strategy: string, body: object) => {
    const options = setHeaderOptions('Content-Type', strategy)
    const request = { namespace, name: 'patched', body, fieldManager: 'js' }
    return (await core.patchNamespacedConfigMap(request, options)).data
  }
  t.same(await patch(PatchStrategy.MergePatch, { data: { b: '2' } }), { a: '1', b: '2' })
  t.same(await patch(PatchStrategy.JsonPatch, [{ op: 'remove', path: '/data/a' }]), { b: '2' })
  t.same(await patch(PatchStrategy.StrategicMergePatch, { data: { c: '3' } }), { b: '2', c: '3' })
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'patched' }, data: { d: '4' } }
  t.same(await patch(PatchStrategy.ServerSideApply, applied), { b: '2', c: '3', d: '4' })
})

void t.test('lists come in pages, by labels, and are deleted as one', async t => {
  for (const name of ['l1', 'l2', 'l3'])
    await core.createNamespacedConfigMap({ namespace, body: named(name, {}, { list: 'yes' }) })
  const labelSelector = 'list=yes'
  const names: unknown[] = []
  let _continue: string | undefined
  do {
    const page = await core.listNamespacedConfigMap({
      namespace,
      labelSelector,
      limit: 2,
      ...(_continue ? { _continue } : {}),
    })
    names.push(page.items.map(({ metadata }) => metadata?.name))
    _continue = page.metadata?._continue
  } while (_continue)
  t.same(names, [['l1', 'l2'], ['l3']])
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector })
  t.same((await core.listNamespacedConfigMap({ namespace, labelSelector })).items, [])
})

void t.test('an informer sees what is there, what comes, what changes and what goes', async t => {
  const labelSelector = 'informed=yes'
  const list = () => core.listNamespacedConfigMap({ namespace, labelSelector })
  await core.createNamespacedConfigMap({ namespace, body: named('old', { n: '0' }, { informed: 'yes' }) })
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  const informer = makeInformer<V1ConfigMap>(config, path, list, labelSelector)
  const seen: string[] = []
  let told = (): void => {}
  for (const verb of ['add', 'update', 'delete'] as const)
    informer.on(verb, object => {
      seen.push(`${verb} ${object.metadata?.name} ${object.data?.['n']}`)
      told()
    })
  /** Resolves when so many events have come. */
  const events = async (count: number): Promise<void> => {
    while (seen.length < count) await new Promise<void>(resolve => (told = resolve))
  }
  const connected = new Promise(resolve => informer.on('connect', resolve))
  await informer.start()
  await connected
  const body = named('new', { n: '1' }, { informed: 'yes' })
  const made = await core.createNamespacedConfigMap({ namespace, body })
  await events(2)
  await core.replaceNamespacedConfigMap({ namespace, name: 'new', body: withData(made, { n: '2' }) })
  await events(3)
  await core.deleteNamespacedConfigMap({ namespace, name: 'new' })
  await events(4)
  t.same(seen, ['add old 0', 'add new 1', 'update new 2', 'delete new 2'])
  t.equal(informer.get('old', namespace)?.data?.['n'], '0')
  await informer.stop()
})

void t.test('a watch gives events with bookmarks, and ends when it is aborted', async t => {
  const from = (await core.listNamespacedConfigMap({ namespace })).metadata?.resourceVersion
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  await core.createNamespacedConfigMap({ namespace, body: named('watched', { n: '1' }) })
  const watch = new Watch(config)
  const [phase, name] = await new Promise<unknown[]>((resolve, reject) => {
    const opened = watch.watch(
      path,
      { resourceVersion: from, allowWatchBookmarks: true },
      (type, object: V1ConfigMap) => {
        resolve([type, object.metadata?.name])
        void opened.then(controller => controller.abort())
      },
      error => reject(error instanceof Error ? error : new Error('the watch ended')),
    )
  })
  t.same([phase, name], ['ADDED', 'watched'])
})

void t.test('objects of any kind are found by discovery, applied and scaled', async t => {
  const objects = KubernetesObjectApi.makeApiClient(config)
  const applied = await objects.patch(
    { ...deployment('js'), metadata: { name: 'js', namespace } },
    undefined,
    undefined,
    'js',
    true,
    PatchStrategy.ServerSideApply,
  )
  t.match(applied, {
    kind: 'Deployment',
    metadata: { name: 'js', managedFields: [{ manager: 'js', operation: 'Apply' }] },
  })
  const apps = config.makeApiClient(AppsV1Api)
  const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'js' })
  const body = { metadata: scale.metadata ?? {}, spec: { replicas: 3 } }
  t.equal((await apps.replaceNamespacedDeploymentScale({ namespace, name: 'js', body })).spec?.replicas, 3)
  t.equal((await apps.readNamespacedDeployment({ namespace, name: 'js' })).spec?.replicas, 3)
  await objects.delete({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'js', namespace } })
})

void t.test('the version and one’s own rights can be asked for', async t => {
  t.match(await config.makeApiClient(VersionApi).getCode(), { major: '1', minor: '34' })
  const review = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({
    body: { spec: { resourceAttributes: { verb: 'list', resource: 'pods', namespace } } },
  })
  t.equal(review.status?.allowed, true)
})
