import t from 'tap'
import type { ContainerSpec } from '../../host/container-engine.ts'
import { DockerEngine } from '../../host/docker/docker-engine.ts'
import { DockerImages } from '../../host/docker/docker-images.ts'
import { busyboxImage, ensureBusyboxImage, ensurePauseImage, pauseImage } from '../../host/docker/local-images.ts'
import { startTestEngine } from './engine.ts'

const base: ContainerSpec = {
  name: 'pause',
  image: pauseImage,
  env: [],
  labels: { 'skiff.test': 'yes' },
  mounts: [],
  tty: false,
  stdin: false,
  stdinOnce: false,
  privileged: false,
  readOnlyRoot: false,
  noNewPrivileges: false,
  addCapabilities: [],
  dropCapabilities: [],
  securityOptions: [],
  network: 'none',
  ipc: 'shareable',
  pid: 'private',
  sysctls: {},
  resources: {},
  tmpfs: {},
}

void t.test('the Docker adapter against a real Engine', async t => {
  const host = await startTestEngine('/tmp/skiff-e2e-docker')
  t.teardown(() => host.stop())
  const engine = new DockerEngine(host)
  const images = new DockerImages(host)

  await t.test('local images are made once, from Debian packages', async t => {
    await ensurePauseImage(images)
    await ensureBusyboxImage(images)
    const made = await images.find(busyboxImage)
    await ensureBusyboxImage(images)
    t.equal((await images.find(busyboxImage))?.id, made?.id)
    t.ok((await images.list()).length >= 2)
  })

  await t.test('an unknown image cannot be pulled, and the error has a code', async t => {
    await t.rejects(images.pull('localhost:1/nothing:1', {}), { code: 'UNAVAILABLE' })
    t.equal(await images.find('nothing:here'), undefined)
  })

  await t.test('a container joins a sandbox, ends by itself, and every step is an event', async t => {
    const stop = new AbortController()
    const seen: string[] = []
    const watching = (async () => {
      for await (const event of engine.events('skiff.test', stop.signal))
        seen.push(`${event.kind} ${event.labels['name']}`)
    })()
    const sandbox = await engine.create(base)
    await engine.start(sandbox)
    t.match(await engine.inspect(sandbox), { state: 'running', name: 'pause', labels: base.labels })
    const app = await engine.create({
      ...base,
      name: 'app',
      image: busyboxImage,
      entrypoint: ['sh', '-c', 'hostname; exit 3'],
      network: `container:${sandbox}`,
      ipc: `container:${sandbox}`,
      resources: { memoryBytes: 32 << 20, cpuShares: 128, cpuQuotaUs: 50_000 },
    })
    t.match(await engine.inspect(app), { state: 'created' })
    await engine.start(app)
    while ((await engine.inspect(app))?.state !== 'exited');
    t.match(await engine.inspect(app), { exitCode: 3, oomKilled: false })
    t.same((await engine.list({ 'skiff.test': 'yes' })).map(c => c.name).sort(), ['app', 'pause'])
    await engine.remove(app)
    await engine.remove(app)
    await engine.stop(sandbox, 5)
    await engine.remove(sandbox)
    t.same(await engine.list({ 'skiff.test': 'yes' }), [])
    t.equal(await engine.inspect(sandbox), undefined)
    stop.abort()
    await watching
    t.ok(seen.includes('started app') && seen.includes('died app') && seen.includes('removed app'), seen.join())
  })

  await t.test('a command that does not exist is COMMAND_FAILED, and the container counts as ended', async t => {
    const id = await engine.create({ ...base, name: 'broken', image: busyboxImage, entrypoint: ['/no/such'] })
    await t.rejects(engine.start(id), { code: 'COMMAND_FAILED' })
    t.match(await engine.inspect(id), { state: 'exited', exitCode: 127, error: /no such file/ })
    await engine.remove(id)
  })

  await t.test('an Engine that is not there is UNAVAILABLE, with what to do', async t => {
    await t.rejects(new DockerEngine({ socketPath: '/tmp/skiff-no-engine.sock' }).version(), { code: 'UNAVAILABLE' })
  })
})
