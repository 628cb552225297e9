import { setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ContainerStreams } from '../../host/container-engine.ts'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { setUpKubelet, type KubeletParts, type KubeletSetup } from './kubelet-setup.ts'
import type { KubeletView } from './kubelet-view.ts'
import type { KubeletOptions } from './options.ts'
import { wireKubelet } from './wire-kubelet.ts'

export interface RunningKubelet extends RunningDaemon {
  view: KubeletView
  nodeName: string
}

const startServer = async (
  options: KubeletOptions,
  context: DaemonContext,
  parts: { view: KubeletView; streams: ContainerStreams },
): Promise<Promise<void>[]> => {
  if (options.tlsCertFile === '' || options.tlsPrivateKeyFile === '' || options.clientCaFile === '') {
    context.log.warn(
      'no --tls-cert-file, --tls-private-key-file and --client-ca-file: no HTTPS API, so no logs and exec',
    )
    return []
  }
  const { startKubeletServer } = await import('./server/server.ts')
  const server = await startKubeletServer({
    address: options.address,
    port: options.port,
    cert: readFileSync(options.tlsCertFile, 'utf8'),
    key: readFileSync(options.tlsPrivateKeyFile, 'utf8'),
    clientCa: readFileSync(options.clientCaFile, 'utf8'),
    ...parts,
    signal: context.signal,
    log: context.log,
  })
  return [server.done]
}

/** The node's own network, where `--skiff-network` asks for it. */
const startNetwork = async ({ options, context, client, nodeName, exec }: KubeletSetup): Promise<Promise<void>[]> => {
  if (!options.skiffNetwork) return []
  const { startNodeNetwork } = await import('./network/node-network.ts')
  const { cniConfDir: confDir, cniDataDir, clusterCidr, serviceCidr } = options
  const { journal, signal, log } = context
  const where = { confDir, cniDataDir, clusterCidr, serviceCidr }
  return [startNodeNetwork({ client, nodeName, ...where, journal, exec, signal, log }).done]
}

/** Starts the kubelet; resolves when it syncs pods and its HTTPS API listens. The Node is registered as soon as the API answers. */
export const start = async (
  options: KubeletOptions,
  context: DaemonContext,
  parts: KubeletParts = {},
): Promise<RunningKubelet> => {
  const { signal } = context
  // Every watch, sleep and request of the node listens to the one signal that ends it.
  setMaxListeners(0, signal)
  const setup = await setUpKubelet(options, context, parts)
  const { kubelet, agent, network, serviceInformer } = wireKubelet(setup)
  network.start()
  serviceInformer.start()
  const serving = await startServer(options, context, { view: kubelet, streams: setup.docker.streams })
  const work: Promise<void>[] = [...serving, kubelet.run(), agent.run()]
  work.push(...(await startNetwork(setup)))
  const done = Promise.all(work).then(
    () => {},
    (error: unknown) => {
      if (signal.aborted) return
      throw new SkiffError('INTERNAL', `the kubelet ended: ${messageOf(error)}`, { cause: error })
    },
  )
  return { done, view: kubelet, nodeName: setup.nodeName }
}
