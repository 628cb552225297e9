import t from 'tap'
import { eventually, kubectl, ok, skiff } from '../cluster/skiff.ts'
import { startEtcd } from './etcd-cluster.ts'

void t.test('a whole cluster keeps its state in etcd, and finds it there again', { timeout: 240_000 }, async t => {
  const etcd = await startEtcd(1)
  t.teardown(() => etcd.stop())
  t.teardown(() => skiff(['down']))
  await ok(skiff(['up', '--etcd-servers', etcd.servers.join(',')]))
  await ok(kubectl(['create', 'configmap', 'kept', '--from-literal=a=b']))
  const uid = await ok(kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.metadata.uid}']))
  await ok(skiff(['down', '--keep-data']))

  // Without the flag: the cluster knows where its objects are.
  await ok(skiff(['up']))
  const again = await eventually(
    () => kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.metadata.uid}']),
    ({ code }) => code === 0,
  )
  t.equal(again.out, uid)
  await ok(skiff(['down']))
})
