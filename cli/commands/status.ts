import { booleanOption, helpOf, optionsFromFlags, resolveOptions, stringOption } from '../../kube/options.ts'
import { SkiffError } from '../../kube/errors.ts'
import { readClusterConfig } from '../cluster-config.ts'
import type { Output } from '../command.ts'
import { engineAnswers } from '../engine.ts'
import { currentDataDir, engineSocket, layout } from '../layout.ts'
import { clusterProcesses, isAlive, memoryOf } from '../processes.ts'
import { readSupervisorState } from '../supervisor/supervise.ts'

const table = {
  output: stringOption('output', { default: 'text', help: 'text or json' }),
  dataDir: stringOption('data-dir', { default: '', help: 'the cluster to look at; empty: the one that is up' }),
  help: booleanOption('help', { default: false, help: 'this text' }),
}

const usage = `Usage: skiff status [-o json]

The processes of the cluster, what runs in each, since when, their memory, and where they listen. Exit code 1 when
one that should run does not.`

interface Row {
  name: string
  runs: string
  pid: number | null
  state: 'running' | 'not running'
  restarts: number
  upSeconds: number
  memoryBytes: number
  log: string
}

/** What runs inside each process, for those who look for a daemon by its name. */
const contents: Record<string, string> = {
  supervisor: 'restarts the others',
  engine: 'dockerd and containerd',
  'control-plane': 'kube-apiserver, kube-scheduler, kube-controller-manager',
  node: 'kubelet, kube-proxy, dns, ingress',
}

const parse = (argv: readonly string[]) => {
  const words = argv.flatMap(word =>
    word === '-o'
      ? ['--output']
      : word.startsWith('-o') && !word.startsWith('--')
        ? ['--output', word.slice(2)]
        : [word],
  )
  return resolveOptions(
    table,
    optionsFromFlags(
      table,
      words.map(word => (word === '-h' ? '--help' : word)),
    ),
  )
}

/** The processes of the cluster in this data directory, as they are now. */
const rowsOf = (dataDir: string, ownEngine: boolean): Row[] => {
  const state = readSupervisorState()
  const nowMs = Date.now()
  const names = ['supervisor', ...(ownEngine ? ['engine'] : []), 'control-plane', 'node']
  return names.map((name): Row => {
    const child = state?.children.find(one => one.name === name)
    const id = name === 'supervisor' ? state?.supervisor : child
    const alive = id !== undefined && isAlive(id)
    return {
      name,
      runs: contents[name] ?? '',
      pid: alive ? id.pid : null,
      state: alive ? 'running' : 'not running',
      restarts: child?.restarts ?? 0,
      upSeconds: alive && child !== undefined ? Math.round((nowMs - child.sinceMs) / 1000) : 0,
      memoryBytes: alive ? memoryOf(id.pid) : 0,
      log: `${layout(dataDir).logs}/${name}.log`,
    }
  })
}

/** `skiff status`: see the usage text. */
export const run = async (argv: readonly string[], output: Output): Promise<number> => {
  const options = parse(argv)
  if (options.help) {
    output.out(helpOf(usage, table))
    return 0
  }
  if (!['text', 'json'].includes(options.output))
    throw new SkiffError('INVALID_INPUT', `-o ${options.output}: text and json are known`)
  const dataDir = currentDataDir(options.dataDir === '' ? undefined : options.dataDir)
  const config = readClusterConfig(dataDir)
  const rows = rowsOf(dataDir, config.engine === 'own')
  // nginx is the ingress's child: it belongs in the sum.
  const known = new Set(rows.map(row => row.pid))
  const engineUp = await engineAnswers()
  const other = clusterProcesses(dataDir).filter(({ pid }) => !known.has(pid))
  const healthy = engineUp && rows.every(row => row.state === 'running')
  const addresses = {
    api: 'https://127.0.0.1:6443',
    node: config.nodeIp,
    dns: config.dnsIp,
    ingress: `http://${config.nodeIp}:${config.ingressHttpPort}`,
    engine: engineSocket,
    podCidr: config.podCidr,
    serviceCidr: config.serviceCidr,
  }
  if (options.output === 'json')
    output.out(
      `${JSON.stringify({ healthy, dataDir, engine: { kind: config.engine, answers: engineUp }, processes: rows, otherProcesses: other.length, addresses }, null, 2)}\n`,
    )
  else output.out(textOf(rows, addresses, engineUp))
  return healthy ? 0 : 1
}

const textOf = (rows: readonly Row[], addresses: Record<string, string>, engineUp: boolean): string => {
  const cells = rows.map(row => [
    row.name,
    row.state,
    row.pid === null ? '-' : String(row.pid),
    `${Math.round(row.memoryBytes / 1048576)} MiB`,
    String(row.restarts),
    row.runs,
  ])
  const table_ = [['PROCESS', 'STATE', 'PID', 'MEMORY', 'RESTARTS', 'RUNS'], ...cells]
  const widths = table_[0]?.map((_, column) => Math.max(...table_.map(row => row[column]?.length ?? 0))) ?? []
  const lines = table_.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const where = Object.entries(addresses).map(([name, address]) => `${name.padEnd(12)}${address}`)
  const logs = `logs        ${rows[0]?.log.replace(/[^/]+$/, '') ?? ''}`
  return `${lines.join('\n')}\n\n${where.join('\n')}\n${logs}\n${engineUp ? '' : `no Docker Engine answers on ${engineSocket}\n`}`
}
