import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PodSpec, Volume } from 'kubernetes-types/core/v1.js'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { FakeExec } from '../../../../host/exec-fake.ts'
import { FakeJournal } from '../../../../host/journal.ts'
import type { ConfigSource } from '../../../../daemons/kubelet/container/env.ts'
import { localPod } from '../../../../daemons/kubelet/sync/local-pod.ts'
import { writeAtomically } from '../../../../daemons/kubelet/volumes/atomic-writer.ts'
import { prepareHostPath } from '../../../../daemons/kubelet/volumes/host-path.ts'
import { mountedReferences, payloadOf } from '../../../../daemons/kubelet/volumes/payload.ts'
import { resolveSubPath } from '../../../../daemons/kubelet/volumes/sub-path.ts'
import type { TokenSource } from '../../../../daemons/kubelet/volumes/pod-tokens.ts'
import { VolumeManager } from '../../../../daemons/kubelet/volumes/volume-manager.ts'

const facts = {
  nodeName: 'n',
  hostIP: 'h',
  podIP: 'p',
  allocatable: { cpuMilli: 1, memoryBytes: 1, ephemeralStorageBytes: 1 },
}
const podOf = (spec: Partial<PodSpec> = {}) =>
  localPod({ metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [{ name: 'app' }], ...spec } })
const source: ConfigSource = {
  configMap: async (_, name) => (name === 'cfg' ? { data: { a: '1', b: '2' }, binaryData: { c: 'Aw==' } } : undefined),
  secret: async (_, name) => (name === 'sec' ? { data: { s: 'cw==' } } : undefined),
}
/** A token that says what was asked for. */
const tokens: TokenSource = {
  token: async (pod, { audience = 'api', expirationSeconds = 3600 }) =>
    `${pod.spec.serviceAccountName ?? 'default'} ${audience} ${expirationSeconds}`,
}
const payload = async (volume: Volume) => {
  const files = await payloadOf(volume, { pod: podOf(), facts, source, tokens })
  return (
    files &&
    Object.fromEntries(
      [...files].map(([path, { content, mode }]) => [path, `${content.toString('latin1')} ${mode.toString(8)}`]),
    )
  )
}

for (const { name, volume, gives } of [
  {
    name: 'a config map gives every key',
    volume: { name: 'v', configMap: { name: 'cfg' } },
    gives: { a: '1 644', b: '2 644', c: '\u0003 644' },
  },
  {
    name: 'items choose keys, paths and modes',
    volume: { name: 'v', configMap: { name: 'cfg', items: [{ key: 'a', path: 'x/y', mode: 0o400 }] } },
    gives: { 'x/y': '1 400' },
  },
  {
    name: 'a secret is decoded and takes its default mode',
    volume: { name: 'v', secret: { secretName: 'sec', defaultMode: 0o600 } },
    gives: { s: 's 600' },
  },
  {
    name: 'what is optional and not there is empty',
    volume: { name: 'v', secret: { secretName: 'no', optional: true } },
    gives: {},
  },
  {
    name: 'a projected volume merges its sources',
    volume: {
      name: 'v',
      projected: {
        sources: [
          { configMap: { name: 'cfg', items: [{ key: 'a', path: 'a' }] } },
          { secret: { name: 'sec' } },
          { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
        ],
      },
    },
    gives: { a: '1 644', s: 's 644', name: 'p 644' },
  },
  { name: 'other kinds have no payload', volume: { name: 'v', emptyDir: {} }, gives: undefined },
])
  void t.test(name, async t => t.same(await payload(volume), gives))

for (const { name, volume, message } of [
  {
    name: 'a config map that is not there',
    volume: { name: 'v', configMap: { name: 'no' } },
    message: 'configmap "no" not found',
  },
  {
    name: 'a key that is not there',
    volume: { name: 'v', configMap: { name: 'cfg', items: [{ key: 'z', path: 'z' }] } },
    message: 'configmap references non-existent config key: z',
  },
  {
    name: 'a bundle of certificate authorities',
    volume: { name: 'v', projected: { sources: [{ clusterTrustBundle: { path: 't' } }] } },
    message: 'NOT_IMPLEMENTED: projected volume source clusterTrustBundle',
  },
])
  void t.test(`${name} is refused by name`, async t => t.rejects(payload(volume), { message }))

const filesOf = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode: 0o640 }]))

void t.test('files change together: one rename swaps the old ones for the new', async t => {
  const directory = t.testdir()
  const at = { nowMs: Date.parse('2026-01-01T00:00:00Z') }
  t.equal(await writeAtomically(directory, filesOf({ a: '1', 'sub/b': '2' }), at), true)
  t.equal(await writeAtomically(directory, filesOf({ a: '1', 'sub/b': '2' }), at), false)
  t.equal(readFileSync(join(directory, 'sub/b'), 'utf8'), '2')
  t.equal(statSync(join(directory, 'a')).mode & 0o777, 0o640)
  t.equal(await writeAtomically(directory, filesOf({ a: 'new' }), at), true)
  t.equal(readFileSync(join(directory, 'a'), 'utf8'), 'new')
  t.same(
    readdirSync(directory).filter(name => !name.startsWith('..2026')),
    ['..data', 'a'],
  )
  t.equal(readdirSync(directory).filter(name => name.startsWith('..2026')).length, 1)
  for (const path of ['../out', '/abs', '..data', ''])
    await t.rejects(writeAtomically(directory, filesOf({ [path]: 'x' }), at), { code: 'INVALID_INPUT' })
})

void t.test('two mounts at once leave one set of files', async t => {
  const rootDir = t.testdir()
  const options = { rootDir, source, tokens, clock: new FakeClock(), exec: new FakeExec(), journal: new FakeJournal() }
  const manager = new VolumeManager(options)
  const pod = podOf({
    volumes: [{ name: 'd', downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } }],
  })
  const [places] = await Promise.all([manager.mount(pod, facts), manager.mount(pod, facts), manager.mount(pod, facts)])
  t.equal(readdirSync(places.get('d') ?? '').filter(name => /^\.\.\d/.test(name)).length, 1)
})

void t.test('hostPath types are checked, and made where they say so', async t => {
  const directory = t.testdir({ file: 'x' })
  await prepareHostPath(join(directory, 'made'), 'DirectoryOrCreate')
  await prepareHostPath(join(directory, 'made'), 'Directory')
  await prepareHostPath(join(directory, 'empty'), 'FileOrCreate')
  await prepareHostPath(join(directory, 'file'), 'File')
  await prepareHostPath(join(directory, 'any'))
  t.ok(statSync(join(directory, 'any')).isDirectory())
  await t.rejects(prepareHostPath(join(directory, 'file'), 'Directory'), {
    message: /type check failed: .*file is not a directory/,
  })
  await t.rejects(prepareHostPath(join(directory, 'none'), 'Socket'), { message: /is not a socket file/ })
})

void t.test('a subPath stays in its volume, whatever links a container made', async t => {
  const directory = t.testdir({ vol: { in: {} }, out: {} })
  const volume = join(directory, 'vol')
  symlinkSync('../out', join(volume, 'link'))
  symlinkSync('in', join(volume, 'inner'))
  t.equal(await resolveSubPath(volume, 'inner'), join(volume, 'in'))
  t.equal(await resolveSubPath(volume, 'new/deep'), join(volume, 'new/deep'))
  for (const path of ['../out', '/etc', 'link', 'link/x'])
    await t.rejects(resolveSubPath(volume, path), { code: 'INVALID_INPUT' })
})

void t.test('volumes of a pod: places, a memory mount that is written down first, and their end', async t => {
  const rootDir = t.testdir()
  const exec = new FakeExec()
  const journal = new FakeJournal()
  const manager = new VolumeManager({ rootDir, exec, journal, clock: new FakeClock(), source, tokens })
  const pod = podOf({
    volumes: [
      { name: 'd', emptyDir: {} },
      { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'c', configMap: { name: 'cfg' } },
      { name: 'h', hostPath: { path: rootDir } },
    ],
  })
  exec.answer = call => {
    if (call.file === 'mount') t.same(journal.changes, [{ kind: 'mounts', under: join(rootDir, 'pods') }])
    return {}
  }
  const places = await manager.mount(pod, facts)
  t.equal(places.get('c'), join(rootDir, 'pods/u/volumes/kubernetes.io~configmap/c'))
  t.equal(places.get('h'), rootDir)
  t.equal(statSync(places.get('d') ?? '').mode & 0o777, 0o777)
  t.match(exec.calls[0]?.args, ['-t', 'tmpfs', '-o', 'mode=0777,size=1048576', 'tmpfs', places.get('m')])
  await manager.unmount('u')
  await manager.unmount('u')
  t.same(readdirSync(join(rootDir, 'pods')), [])
})

void t.test('a volume of another kind is named, with the volume', async t => {
  const manager = new VolumeManager({
    rootDir: t.testdir(),
    exec: new FakeExec(),
    journal: new FakeJournal(),
    clock: new FakeClock(),
    source,
    tokens,
  })
  await t.rejects(manager.mount(podOf({ volumes: [{ name: 'n', nfs: { server: 's', path: '/' } }] }), facts), {
    code: 'NOT_IMPLEMENTED',
    message: 'MountVolume.SetUp failed for volume "n" : NOT_IMPLEMENTED: volumes of kind nfs are not built into Skiff',
  })
})

void t.test('a pod follows what it has mounted', async t => {
  const pod = podOf({
    volumes: [
      { name: 'a', configMap: { name: 'cfg' } },
      { name: 'b', projected: { sources: [{ secret: { name: 'sec' } }] } },
      { name: 'c', emptyDir: {} },
    ],
  })
  t.same([...mountedReferences(pod)], ['configmaps/cfg', 'secrets/sec'])
})

void t.test('a tree that somebody else wrote into is not followed out of the volume on deletion', async t => {
  const directory = t.testdir({ keep: { file: 'x' } })
  mkdirSync(join(directory, 'pods/u/volumes'), { recursive: true })
  symlinkSync(join(directory, 'keep'), join(directory, 'pods/u/volumes/link'))
  const manager = new VolumeManager({
    rootDir: directory,
    exec: new FakeExec(),
    journal: new FakeJournal(),
    clock: new FakeClock(),
    source,
    tokens,
  })
  await manager.unmount('u')
  writeFileSync(join(directory, 'keep/file'), 'x')
  t.ok(statSync(join(directory, 'keep/file')))
})
