import { existsSync, mkdirSync } from 'node:fs'
import { systemClock } from '../../host/clock.ts'
import { daemonClient } from '../../host/daemon-client.ts'
import type { DaemonContext } from '../../host/daemon.ts'
import { systemExec, type Exec } from '../../host/exec.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import type { Clock } from '../../kube/clock.ts'
import { SkiffError } from '../../kube/errors.ts'
import { dockerParts, dockerSocketOf, type DockerParts } from './docker-parts.ts'
import { firstAddress, probeNegativeOomScore, readMachine, type MachineFacts } from './node/node-facts.ts'
import type { KubeletOptions } from './options.ts'

/** What tests put in the place of Docker, time and programs. */
export interface KubeletParts extends Partial<DockerParts> {
  clock?: Clock
  exec?: Exec
}

/** What every part of the kubelet is made from: what it was told, and what it found on the machine. */
export interface KubeletSetup {
  options: KubeletOptions
  context: DaemonContext
  client: KubeClient
  docker: DockerParts
  clock: Clock
  exec: Exec
  machine: MachineFacts
  nodeName: string
  nodeIp: string
  /** The host lets us set an oom_score_adj below zero. */
  negativeOomScore: boolean
}

const checked = (options: KubeletOptions): void => {
  if (options.anonymousAuth || options.webhookAuth)
    throw new SkiffError('NOT_IMPLEMENTED', 'the kubelet serves client certificates only', {
      remedy: 'set authentication.anonymous.enabled and authentication.webhook.enabled to false',
    })
}

const clientOf = async (options: KubeletOptions, context: DaemonContext): Promise<KubeClient> => {
  const { client, close } = await daemonClient(context, {
    kubeconfig: options.kubeconfig,
    missing: () =>
      new SkiffError('INVALID_INPUT', '--kubeconfig is missing', { remedy: 'name the kubeconfig of the API server' }),
  })
  context.signal.addEventListener('abort', close, { once: true })
  return client
}

/** Writes down what will be left on the machine, then makes the first of it. */
const makeRoot = (options: KubeletOptions, { journal }: DaemonContext): void => {
  const { rootDir } = options
  journal.record({ kind: 'path', path: rootDir })
  for (const path of [options.cniConfDir, options.cniCacheDir])
    if (!existsSync(path)) journal.record({ kind: 'path', path })
  if (options.cgroupParent !== '') journal.record({ kind: 'cgroup', path: options.cgroupParent })
  mkdirSync(rootDir, { recursive: true, mode: 0o750 })
}

/** Throws NOT_IMPLEMENTED or INVALID_INPUT for options that cannot be served. */
export const setUpKubelet = async (
  options: KubeletOptions,
  context: DaemonContext,
  parts: KubeletParts,
): Promise<KubeletSetup> => {
  checked(options)
  const socketPath = dockerSocketOf(options.containerRuntimeEndpoint)
  makeRoot(options, context)
  const client = await clientOf(options, context)
  const docker = await dockerParts(socketPath, parts)
  const machine = await readMachine(options.rootDir)
  const nodeName = options.hostnameOverride === '' ? machine.hostname : options.hostnameOverride
  const nodeIp = options.nodeIp === '' ? firstAddress() : options.nodeIp
  const negativeOomScore = probeNegativeOomScore()
  if (!negativeOomScore)
    context.log.warn(
      { node: nodeName },
      'this machine refuses negative oom_score_adj values: containers keep 0 where theirs would be lower',
    )
  const clock = parts.clock ?? systemClock
  const exec = parts.exec ?? systemExec
  return { options, context, client, docker, clock, exec, machine, nodeName, nodeIp, negativeOomScore }
}
