import { accessSync, closeSync, constants, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { RtLinks } from '../host/netlink/rtnetlink.ts'
import { withNetns } from '../host/netns.ts'
import type { Journal } from '../host/journal.ts'
import type { BridgePorts, PodNetwork } from './bridge/bridge-ports.ts'
import { runPlugin, type Plugin } from './skel/run-plugin.ts'

// Every import is paid on every pod start: what only some calls need is loaded when they need it.

const openPod = (netns: string): PodNetwork => {
  const links = withNetns(netns, () => new RtLinks())
  const fd = openSync(netns, 'r')
  return {
    links,
    fd,
    close: () => {
      links.close()
      closeSync(fd)
    },
  }
}

const openJournal = async (): Promise<Journal | undefined> => {
  const directory = process.env['SKIFF_JOURNAL_DIR']
  if (directory === undefined || directory === '') return undefined
  const { FileJournal } = await import('../host/journal.ts')
  return new FileJournal(directory, 'cni')
}

const setSysctl = (journal: Journal | undefined, key: string, value: string): void => {
  const file = `/proc/sys/${key}`
  const before = readFileSync(file, 'utf8').trim()
  if (before === value) return
  journal?.record({ kind: 'sysctl', key, before })
  writeFileSync(file, value)
}

const makeHostLocal = async (): Promise<Plugin> => {
  const [{ hostLocal }, { withLeaseDirectory }] = await Promise.all([
    import('./host-local/host-local.ts'),
    import('./host-local/apply-leases.ts'),
  ])
  return hostLocal({ withLeases: withLeaseDirectory, readFile: path => readFileSync(path, 'utf8') })
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Loads the plugin at its first call. */
const lazily = (load: () => Promise<Plugin>): Plugin => ({
  add: async call => (await load()).add(call),
  del: async call => (await load()).del(call),
  check: async call => (await load()).check(call),
})

const ipamFor = (type: string): Plugin =>
  lazily(async () => {
    if (type === 'host-local') return makeHostLocal()
    const [{ delegatedPlugin }, { systemExec }] = await Promise.all([
      import('./skel/delegated-plugin.ts'),
      import('../host/exec.ts'),
    ])
    return delegatedPlugin(type, { exec: systemExec, isExecutable })
  })

const makeBridge = async (): Promise<Plugin> => {
  const [{ bridge }, journal] = await Promise.all([import('./bridge/bridge.ts'), openJournal()])
  const masquerading = async () => {
    const [{ addMasquerade, removeMasquerade }, { systemExec }] = await Promise.all([
      import('./bridge/apply-masquerade.ts'),
      import('../host/exec.ts'),
    ])
    return { addMasquerade, removeMasquerade, systemExec }
  }
  const ports: BridgePorts = {
    host: new RtLinks(),
    openPod,
    setSysctl: (key, value) => setSysctl(journal, key, value),
    recordBridge: name => journal?.record({ kind: 'link', name }),
    masquerade: async (owner, address) => {
      const { addMasquerade, systemExec } = await masquerading()
      await addMasquerade(systemExec, owner, address)
    },
    unmasquerade: async owner => {
      const { removeMasquerade, systemExec } = await masquerading()
      await removeMasquerade(systemExec, owner)
    },
    randomHex: () => readRandom().toString('hex'),
  }
  return bridge(ports, ipamFor)
}

/** Four bytes of the kernel's randomness, without loading the crypto module. */
const readRandom = (): Buffer => {
  const fd = openSync('/dev/urandom', 'r')
  try {
    const bytes = Buffer.alloc(4)
    readSync(fd, bytes)
    return bytes
  } finally {
    closeSync(fd)
  }
}

const plugins: Readonly<Record<string, () => Promise<Plugin>>> = {
  bridge: makeBridge,
  'host-local': makeHostLocal,
  loopback: async () => (await import('./loopback/loopback.ts')).loopback({ openPod }),
}

/** `node main.js bridge`, or this file linked into the bin directory under the plugin's name. */
const pluginName = (argv: readonly string[]): string => argv[2] ?? basename(argv[1] ?? '').replace(/\.js$/, '')

const main = async (): Promise<number> => {
  const name = pluginName(process.argv)
  const load = plugins[name]
  if (load === undefined) {
    process.stderr.write(
      `there is no CNI plugin ${JSON.stringify(name)}; there are: ${Object.keys(plugins).join(', ')}\n`,
    )
    return 2
  }
  return runPlugin(lazily(load), {
    env: process.env,
    readStdin: () => readFileSync(0, 'utf8'),
    // Synchronous: the process ends right after, and a pipe may be slow.
    writeStdout: text => void writeSync(1, text),
  })
}

process.exitCode = await main()
