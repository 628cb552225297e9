import { existsSync } from 'node:fs'
import { options as apiServerOptions } from '../daemons/apiserver/options.ts'
import { start as startApiServer } from '../daemons/apiserver/start.ts'
import { options as controllerManagerOptions } from '../daemons/controller-manager/options.ts'
import { start as startControllerManager } from '../daemons/controller-manager/start.ts'
import { options as schedulerOptions } from '../daemons/scheduler/options.ts'
import { start as startScheduler } from '../daemons/scheduler/start.ts'
import { pkiPath } from '../provision/certificates/pki-path.ts'
import { readClusterConfig } from './cluster-config.ts'
import type { Output } from './command.ts'
import { dataDirFlag } from './data-dir-flag.ts'
import { layout } from './layout.ts'
import { optionsWith, processContext, untilStopped } from './process-context.ts'
import { reviveSupervisor } from './supervisor/revive-supervisor.ts'
import { ensureSystemServices } from './system-services.ts'

/** The first process of `skiff up`: API server, scheduler and controllers, which reach the API in memory. */
export const run = async (argv: readonly string[], _output: Output): Promise<number> => {
  const dataDir = dataDirFlag(argv)
  const config = readClusterConfig(dataDir)
  const { context, daemonContext, log } = processContext('control-plane', dataDir)

  const api = await startApiServer(
    optionsWith(apiServerOptions, {
      bindAddress: ['127.0.0.1', config.nodeIp],
      tlsCertFile: pkiPath(dataDir, 'apiserver', 'crt'),
      tlsPrivateKeyFile: pkiPath(dataDir, 'apiserver', 'key'),
      clientCaFile: pkiPath(dataDir, 'ca', 'crt'),
      requestheaderClientCaFile: pkiPath(dataDir, 'front-proxy-ca', 'crt'),
      requestheaderAllowedNames: ['front-proxy-client'],
      proxyClientCertFile: pkiPath(dataDir, 'front-proxy-client', 'crt'),
      proxyClientKeyFile: pkiPath(dataDir, 'front-proxy-client', 'key'),
      kubeletClientCertificate: pkiPath(dataDir, 'apiserver-kubelet-client', 'crt'),
      kubeletClientKey: pkiPath(dataDir, 'apiserver-kubelet-client', 'key'),
      kubeletCertificateAuthority: pkiPath(dataDir, 'ca', 'crt'),
      serviceAccountSigningKeyFile: pkiPath(dataDir, 'sa', 'key'),
      serviceClusterIpRange: config.serviceCidr,
      advertiseAddress: config.nodeIp,
      dataDir: layout(dataDir).store,
      ...config.etcd,
      // A cluster from before there was a key runs on without one until the next `up`.
      encryptionProviderConfig: existsSync(layout(dataDir).encryption) ? layout(dataDir).encryption : '',
    }),
    daemonContext('kube-apiserver'),
  )
  await ensureSystemServices(api.client({ name: 'system:apiserver', groups: ['system:masters'] }), config)
  const [scheduler, controllers] = await Promise.all([
    startScheduler(optionsWith(schedulerOptions, {}), {
      ...daemonContext('kube-scheduler'),
      client: api.client({ name: 'system:kube-scheduler', groups: ['system:authenticated'] }),
    }),
    startControllerManager(
      optionsWith(controllerManagerOptions, {
        allocateNodeCidrs: true,
        clusterCidr: config.podCidr,
        rootCaFile: pkiPath(dataDir, 'ca', 'crt'),
        serviceAccountPrivateKeyFile: pkiPath(dataDir, 'sa', 'key'),
        clusterSigningCertFile: pkiPath(dataDir, 'ca', 'crt'),
        clusterSigningKeyFile: pkiPath(dataDir, 'ca', 'key'),
      }),
      {
        ...daemonContext('kube-controller-manager'),
        client: api.client({ name: 'system:kube-controller-manager', groups: ['system:authenticated'] }),
      },
    ),
  ])
  reviveSupervisor({ dataDir, signal: context.signal, log, delayMs: 100 })
  log.info('the control plane runs')
  await untilStopped(context.signal, [api.done, scheduler.done, controllers.done])
  return 0
}
