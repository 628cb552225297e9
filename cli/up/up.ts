import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../../host/clock.ts'
import { runOk, systemExec } from '../../host/exec.ts'
import { writeFileAtomic } from '../../host/files.ts'
import { FileJournal } from '../../host/journal.ts'
import { nftObjects } from '../../host/undo.ts'
import { messageOf } from '../../kube/errors.ts'
import { helpOf, optionsFromFlags, resolveOptions } from '../../kube/options.ts'
import { ensureClusterCertificates } from '../../provision/certificates/cluster-certificates.ts'
import { kubeconfigPath } from '../../provision/certificates/pki-path.ts'
import { readClusterConfig, writeClusterConfig, type ClusterConfig } from '../cluster-config.ts'
import type { Output } from '../command.ts'
import { chooseEngine, idleEngineUnits, startSystemdEngine } from '../engine.ts'
import { engineCgroup, layout, runDir, runLayout } from '../layout.ts'
import { clusterProcesses, endProcesses, isAlive, isEngineProcess, type ProcessId } from '../processes.ts'
import { startSupervisor } from '../supervisor/start-supervisor.ts'
import { readSupervisorState } from '../supervisor/supervise.ts'
import { tearDown } from '../tear-down.ts'
import {
  checkHost,
  checkPorts,
  checkRanges,
  findNodeIp,
  portsNeeded,
  readRoutes,
  serviceAddresses,
} from './host-checks.ts'
import { ensureEncryptionKey } from './encryption-key.ts'
import { takeLock } from './lock.ts'
import { refuseNotBuilt, upOptions, type UpOptions } from './options.ts'
import { installPackages, missingPackages } from './packages.ts'
import { steps, type Step } from './progress.ts'
import { waitForCluster } from './wait-for-cluster.ts'

const usage = `Usage: skiff up [flags]

Brings a whole cluster up on this machine, as root: installs the Debian packages that are missing (it lists them
first), starts a Docker Engine where none answers, starts every daemon in the background, and returns when the node
is Ready and DNS answers. Running it again is harmless.`

/** `skiff up`: see the usage text. */
export const run = async (argv: readonly string[], output: Output): Promise<number> => {
  if (argv.includes('--help') || argv.includes('-h')) {
    output.out(helpOf(usage, upOptions))
    return 0
  }
  const options = resolveOptions(upOptions, optionsFromFlags(upOptions, argv))
  refuseNotBuilt(options)
  checkHost(options)
  const unlock = takeLock('up')
  try {
    return await bringUp(options, output)
  } finally {
    unlock()
  }
}

const bringUp = async (options: UpOptions, output: Output): Promise<number> => {
  const step = steps(output, () => performance.now())
  const { dataDir } = options
  const supervisor = readSupervisorState()?.supervisor
  const running = supervisor !== undefined && isAlive(supervisor) && existsSync(layout(dataDir).config)
  const startedAt = performance.now()
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort(new Error('interrupted')))
  process.once('SIGTERM', () => stop.abort(new Error('interrupted')))
  const hadData = existsSync(layout(dataDir).config)
  try {
    const sinceMs = running ? 0 : systemClock.now()
    const config = running ? readClusterConfig(dataDir) : await prepare(options, step, output, stop.signal)
    await waitForCluster(dataDir, config, {
      step,
      signal: stop.signal,
      sinceMs,
      supervisor: running ? supervisor : startSupervisor(dataDir),
    })
    sayReady(options, config, output, performance.now() - startedAt)
    return 0
  } catch (error) {
    // Nothing was changed yet: the journal is the first thing that is made.
    if (running || !existsSync(layout(dataDir).journal)) throw stop.signal.aborted ? stop.signal.reason : error
    output.err(`${logTails(dataDir)}undoing what was done\n`)
    await tearDown(dataDir, { keepData: hadData, exec: systemExec }).catch(undoError =>
      output.err(`could not undo everything: ${messageOf(undoError)}\n  → run ./skiff down\n`),
    )
    throw stop.signal.aborted ? stop.signal.reason : error
  }
}

const prepare = async (options: UpOptions, step: Step, output: Output, signal: AbortSignal): Promise<ClusterConfig> => {
  const { dataDir } = options
  const paths = layout(dataDir)
  const missing = missingPackages()
  if (missing.length > 0) {
    output.out(`Debian packages to install: ${missing.join(' ')}\n`)
    await step(`packages installed: ${missing.join(' ')}`, () => installPackages(systemExec, missing, signal))
  }
  const config = await step('host fits', async () => {
    // A cluster that was killed has left processes that hold ports; its pods belong to the Engine and keep running.
    await endProcesses(clusterProcesses(dataDir).filter(isOurs), 2000)
    checkRanges(options, await readRoutes(systemExec))
    const nodeIp = await findNodeIp(systemExec, options.nodeIp)
    await checkPorts(portsNeeded(options, nodeIp))
    return { ...configOf(options, nodeIp), ...etcdOf(options), ...(await engineOf(dataDir)) }
  })
  for (const directory of [dataDir, runDir]) mkdirSync(directory, { recursive: true, mode: 0o711 })
  for (const directory of [paths.logs, paths.journal, paths.cniBin, paths.cniConf, dirname(paths.corefile)])
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  await recordBefore(dataDir, config)
  await step('certificates', async () => {
    ensureEncryptionKey(paths.encryption)
    await ensureClusterCertificates(dataDir, config, 'https://127.0.0.1:6443', systemClock.now())
    if (options.kubeconfig !== '') {
      copyFileSync(kubeconfigPath(dataDir, 'admin'), options.kubeconfig)
      chmodSync(options.kubeconfig, 0o600)
    }
  })
  writeClusterConfig(dataDir, config)
  writeFileAtomic(runLayout.pointer, `${dataDir}\n`)
  writeFileAtomic(paths.engineConfig, '{}\n')
  if (config.engine === 'systemd') await step('docker.service started', () => startSystemdEngine(systemExec))
  return config
}

/** The Engine's own processes are left to the supervisor, which ends and restarts them in the right order. */
const isOurs = ({ pid }: ProcessId): boolean => !isEngineProcess(pid)

/** After a crash our own Engine may still answer: it is ours by the configuration that was written before it started. */
const engineOf = async (dataDir: string): Promise<Pick<ClusterConfig, 'engine' | 'engineUnits'>> => {
  const crashed = existsSync(layout(dataDir).journal) && existsSync(layout(dataDir).config)
  const before = crashed ? readClusterConfig(dataDir) : undefined
  if (before !== undefined && before.engine !== 'found')
    return { engine: before.engine, engineUnits: before.engineUnits }
  const engine = await chooseEngine()
  return { engine, engineUnits: engine === 'systemd' ? await idleEngineUnits(systemExec) : [] }
}

/** The etcd that is named, or that this cluster has had: its objects are there and nowhere else. */
const etcdOf = (options: UpOptions): Pick<ClusterConfig, 'etcd'> => {
  const { etcdServers, etcdPrefix, etcdCafile, etcdCertfile, etcdKeyfile, dataDir } = options
  if (etcdServers.length > 0) return { etcd: { etcdServers, etcdPrefix, etcdCafile, etcdCertfile, etcdKeyfile } }
  const before = existsSync(layout(dataDir).config) ? readClusterConfig(dataDir).etcd : undefined
  return before === undefined ? {} : { etcd: before }
}

const configOf = (options: UpOptions, nodeIp: string): Omit<ClusterConfig, 'engine' | 'engineUnits' | 'etcd'> => ({
  nodeName: options.nodeName,
  nodeIp,
  podCidr: options.podCidr,
  serviceCidr: options.serviceCidr,
  ...serviceAddresses(options.serviceCidr),
  clusterDomain: options.clusterDomain,
  ingressHttpPort: options.ingressHttpPort,
  ingressHttpsPort: options.ingressHttpsPort,
  kubeconfig: options.kubeconfig,
})

/** Writes down what stands now and what `down` must find again, before anything is changed. */
const recordBefore = async (dataDir: string, config: ClusterConfig): Promise<void> => {
  const journal = new FileJournal(layout(dataDir).journal, 'up')
  const chains = await runOk(systemExec, 'nft', ['list', 'chains'])
  journal.record({ kind: 'nft-tables', before: nftObjects(chains).join('\n') })
  if (config.engine !== 'found') journal.record({ kind: 'cgroup', path: engineCgroup })
  journal.record({ kind: 'mounts', under: dataDir })
  journal.record({ kind: 'mounts', under: runDir })
}

const sayReady = (options: UpOptions, config: ClusterConfig, output: Output, tookMs: number): void => {
  const kubeconfig = options.kubeconfig === '' ? kubeconfigPath(options.dataDir, 'admin') : options.kubeconfig
  output.out(
    `\nReady after ${(tookMs / 1000).toFixed(1)} s: node ${config.nodeName} (${config.nodeIp}), DNS ${config.dnsIp}, ingress on port ${config.ingressHttpPort}\n\n` +
      `  ./skiff kubectl apply -f examples/hello.yaml\n  export KUBECONFIG=${kubeconfig}\n`,
  )
}

/** The ends of the logs, shown when a start fails. */
const logTails = (dataDir: string): string =>
  ['supervisor', 'engine', 'control-plane', 'node']
    .map(name => join(layout(dataDir).logs, `${name}.log`))
    .filter(path => existsSync(path))
    .map(path => ({ path, lines: readFileSync(path, 'utf8').trim().split('\n').slice(-5) }))
    .filter(({ lines }) => lines.some(line => line !== ''))
    .map(({ path, lines }) => `--- the end of ${path}\n${lines.join('\n')}\n`)
    .join('')
