import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { DaemonContext, RunningDaemon } from '../../host/daemon.ts'
import { systemClock } from '../../host/clock.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import { configMaps } from '../../kube/resources.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { type Authorization, makeAuthorization, parseModes } from './auth/authorization-mode.ts'
import { rbacEscalationPlugin } from './auth/rbac/escalation.ts'
import { reconcilePolicy } from './auth/rbac/reconcile-policy.ts'
import { makeTokens, type Tokens } from './auth/tokens/make-tokens.ts'
import type { UserInfo } from './auth/user-info.ts'
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts'
import { type AdmissionOptions, admissionPlugins } from './admission/plugins.ts'
import { selectPlugins } from './admission/select-plugins.ts'
import { AllocationMetrics } from './allocation/allocation-metrics.ts'
import { NumberRepair } from './allocation/repair-loop.ts'
import { addressAt, parsePortRange, parseServiceRanges } from './allocation/service-range.ts'
import { ServiceRanges } from './allocation/service-ranges.ts'
import { conversionClient } from './apiextensions/conversion-client.ts'
import { DefinitionController } from './apiextensions/definition-controller.ts'
import { keepPolicyStatus } from './admission/validating-admission-policy/policy-status.ts'
import { WebhookMetrics } from './admission/webhook/webhook-metrics.ts'
import { Aggregator } from './aggregator/aggregator.ts'
import type { ProxyIdentity } from './aggregator/remote-connections.ts'
import { type Authorities, authenticationConfigMap, frontProxyOf } from './auth/front-proxy-options.ts'
import { PassedRequests, type PassedRequestsOptions } from './http/passed-requests.ts'
import { FlowController } from './flowcontrol/flow-controller.ts'
import { FlowMetrics } from './flowcontrol/flow-metrics.ts'
import { keepFlowStatus } from './flowcontrol/flow-status.ts'
import { ApiHandler } from './http/api-handler.ts'
import { makeApiMetrics } from './http/api-metrics.ts'
import { serveHttp } from './http/server.ts'
import { serverVersion } from './http/version.ts'
import { boundHeapGrowth } from './heap-growth.ts'
import { InProcessClient } from './in-process-client.ts'
import { servedKinds } from './kinds/builtin.ts'
import type { ApiServerOptions } from './options.ts'
import { putAwayAll, untilStopped } from './put-away.ts'
import { readerOf, Registry } from './registry/registry.ts'
import { ensureNamespaces, ensureSystemObjects, restoreSystemObjects } from './registry/system-objects.ts'
import { makeDocuments } from './schema/documents.ts'
import { openStore } from './store/open-store.ts'
import type { Store } from './store/store.ts'

export interface RunningApiServer extends RunningDaemon {
  /** The API without a connection, for whoever runs in this process. */
  client(user: UserInfo): KubeClient
  port: number
}

/** The server's own identity, for what it makes by itself. */
const selfUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters'] }

const readPem = (flag: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--${flag} ${file}: ${messageOf(cause)}`, { cause })
  }
}

const readAuthorities = ({ clientCaFile, requestheaderClientCaFile }: ApiServerOptions): Authorities => ({
  clientCa: readPem('client-ca-file', clientCaFile),
  requestHeaderCa:
    requestheaderClientCaFile === '' ? '' : readPem('requestheader-client-ca-file', requestheaderClientCaFile),
})

/** How this server shows aggregated ones who it is; without, they can only be reached by those who trust anybody. */
const proxyIdentity = ({ proxyClientCertFile: cert, proxyClientKeyFile: key }: ApiServerOptions): ProxyIdentity =>
  cert === '' || key === ''
    ? undefined
    : { cert: readPem('proxy-client-cert-file', cert), key: readPem('proxy-client-key-file', key) }

const isReachable = (address: string): boolean =>
  isIPv4(address) && !address.startsWith('127.') && !address.startsWith('169.254.') && address !== '0.0.0.0'

/** The address pods are told; undefined on a host that has only loopback. */
const advertised = ({ advertiseAddress, bindAddress }: ApiServerOptions): string | undefined =>
  advertiseAddress !== ''
    ? advertiseAddress
    : (bindAddress.find(isReachable) ??
      Object.values(networkInterfaces())
        .flatMap(addresses => addresses ?? [])
        .find(({ address, internal }) => !internal && isReachable(address))?.address)

/** How this server shows kubelets who it is. */
const kubeletIdentity = (options: ApiServerOptions) => ({
  cert: readPem('kubelet-client-certificate', options.kubeletClientCertificate),
  key: readPem('kubelet-client-key', options.kubeletClientKey),
  ca: readPem('kubelet-certificate-authority', options.kubeletCertificateAuthority),
})

/** Loaded when it is first asked for: most servers at rest never need it. What fails now may be there at the next try. */
const lazily = <T>(load: () => Promise<T>): (() => Promise<T>) => {
  let loaded: Promise<T> | undefined
  return () => {
    loaded ??= load()
    loaded.catch(() => (loaded = undefined))
    return loaded
  }
}

/** What others answer. */
const passedRequests = (
  options: ApiServerOptions,
  parts: Pick<PassedRequestsOptions, 'registry' | 'aggregator' | 'log'>,
): PassedRequests =>
  new PassedRequests({
    ...parts,
    streams: lazily(async () => {
      const { kubeletProxy } = await import('./streaming/kubelet-proxy.ts')
      return kubeletProxy({ ...kubeletIdentity(options), log: parts.log })
    }),
    proxy: lazily(async () => {
      const { SubresourceProxy } = await import('./proxy/subresource-proxy.ts')
      return new SubresourceProxy({ reader: parts.registry.reader, kubelet: () => kubeletIdentity(options) })
    }),
  })

const openRegistry = async (
  options: ApiServerOptions,
  context: DaemonContext,
  metrics: AdmissionMetrics,
): Promise<{ registry: Registry; authorization: Authorization; tokens: Tokens }> => {
  const store = await openStore(options, context)
  try {
    return registryOn(store, options, metrics)
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What admission plugins count by themselves. */
type AdmissionMetrics = Required<Pick<AdmissionOptions, 'webhookMetrics' | 'allocationMetrics'>>

const registryOn = (store: Store, options: ApiServerOptions, metrics: AdmissionMetrics) => {
  const { serviceClusterIpRange, serviceNodePortRange } = options
  const authorization = makeAuthorization(options.authorizationMode, store)
  const { authorizer, rbac } = authorization
  const mountTokens = options.serviceAccountSigningKeyFile !== ''
  const admission = { serviceClusterIpRange, serviceNodePortRange, ...metrics, authorizer, mountTokens }
  const selection = { enable: options.enableAdmissionPlugins, disable: options.disableAdmissionPlugins }
  const plugins = [
    rbacEscalationPlugin(rbac, authorizer),
    ...selectPlugins([namespaceLifecycle, ...admissionPlugins(admission)], selection),
  ]
  const tokens = makeTokens(options, readerOf(store), systemClock)
  const registry = new Registry({
    store,
    kinds: servedKinds,
    plugins,
    authorizer,
    tokens: tokens.authenticator,
    serviceAccountTokens: tokens.serviceAccounts,
    clock: systemClock,
  })
  return { registry, authorization, tokens }
}

const check = (options: ApiServerOptions): void => {
  parseModes(options.authorizationMode)
  if (options.bindAddress.length === 0) throw new SkiffError('INVALID_INPUT', '--bind-address needs an address')
}

/**
 * Opens the store, listens, and makes the objects every cluster has. Throws SkiffError INVALID_INPUT for files and
 * ranges that do not fit, HOST_UNFIT for a port that is taken, ALREADY_RUNNING for a store that is in use.
 */
export const start = async (options: ApiServerOptions, context: DaemonContext): Promise<RunningApiServer> => {
  const { log } = context
  // A start that fails ends what it has begun, although its process may go on.
  const failed = new AbortController()
  const signal = AbortSignal.any([context.signal, failed.signal])
  check(options)
  boundHeapGrowth()
  const serviceRanges = parseServiceRanges(options.serviceClusterIpRange)
  const authorities = readAuthorities(options)
  const tls = {
    cert: readPem('tls-cert-file', options.tlsCertFile),
    key: readPem('tls-private-key-file', options.tlsPrivateKeyFile),
    clientCa: Object.values(authorities).filter(text => text !== ''),
  }
  const frontProxy = frontProxyOf(options, authorities)
  const identity = proxyIdentity(options)
  const metrics = { webhookMetrics: new WebhookMetrics(), allocationMetrics: new AllocationMetrics() }
  const { registry, authorization, tokens } = await openRegistry(options, context, metrics)
  const stops: (() => void | Promise<void>)[] = [() => registry.store.close(), () => authorization.close()]
  const self = new InProcessClient(registry, selfUser)
  const aggregator = new Aggregator({
    registry,
    client: self,
    identity,
    signal,
    onError: err => log.error({ err }, 'looking after an APIService failed'),
  })
  const flowMetrics: FlowMetrics = new FlowMetrics(() => flow)
  const { maxRequestsInflight, maxMutatingRequestsInflight } = options
  const flow = new FlowController({
    store: registry.store,
    reader: registry.reader,
    seats: Math.max(1, maxRequestsInflight + maxMutatingRequestsInflight),
    onWaited: flowMetrics.onWaited,
  })
  let ready = false
  const handler = new ApiHandler({
    registry,
    documents: makeDocuments(
      () => registry.kinds.all,
      serverVersion,
      () => aggregator.versions,
    ),
    passed: passedRequests(options, { registry, aggregator, log }),
    checks: {
      ping: () => undefined,
      log: () => undefined,
      etcd: () => registry.store.problem(),
      'poststarthook/rbac/bootstrap-roles': () => (ready ? undefined : 'not finished'),
      'poststarthook/bootstrap-controller': () => (ready ? undefined : 'not finished'),
      shutdown: () => (signal.aborted ? 'the process is shutting down' : undefined),
    },
    metrics: makeApiMetrics(registry, [...Object.values(metrics), aggregator, flowMetrics]),
    openId: tokens.documents,
    anonymousAuth: options.anonymousAuth,
    frontProxy,
    flow,
    log,
  })
  try {
    // Before anybody can ask: a component that comes early must not be told that it may not.
    await ensureNamespaces(self)
    await reconcilePolicy(self, registry.reader)
    const definitions = new DefinitionController({
      registry,
      user: selfUser,
      ask: conversionClient(registry.reader),
      signal,
      onError: err => log.error({ err }, 'keeping a CustomResourceDefinition up to date failed'),
    })
    stops.push(await definitions.start(), await aggregator.start())
    const { store } = registry
    const repairFailed = (err: unknown) => log.error({ err }, 'repairing ClusterIPs and NodePorts failed')
    const repair = new NumberRepair({
      store,
      client: self,
      ranges: new ServiceRanges(store, serviceRanges),
      ports: parsePortRange(options.serviceNodePortRange),
      metrics: metrics.allocationMetrics,
      clock: systemClock,
      onError: repairFailed,
    })
    // Before the first request: Services that are stored have their numbers. On a full disk there is still all to read.
    await repair.run().catch(repairFailed)
    stops.push(repair.start())
    const server = await serveHttp({ handler, addresses: options.bindAddress, port: options.securePort, tls })
    stops.push(() => server.close())
    const address = advertised(options)
    if (address === undefined) log.warn('no address but loopback: pods cannot reach the API (see --advertise-address)')
    const endpoint = { clusterIp: addressAt(serviceRanges[0], 0), address, port: server.port, serviceRanges }
    const trust = { resource: configMaps, object: authenticationConfigMap(options, authorities), keep: ['data'] }
    const ensure = () => ensureSystemObjects(self, endpoint, [trust])
    await ensure()
    stops.push(
      flow.start(),
      keepFlowStatus(registry.store, self, {
        now: () => registry.now(),
        onError: err => log.error({ err }, 'telling the status of a FlowSchema failed'),
      }),
      restoreSystemObjects(registry.store, ensure, err => log.error({ err }, 'making a system object again failed')),
      keepPolicyStatus(registry, self, err =>
        log.error({ err }, 'checking the types of a ValidatingAdmissionPolicy failed'),
      ),
    )
    ready = true
    log.info({ addresses: options.bindAddress, port: server.port }, 'serving')
    const done = untilStopped(registry, options, { signal, log }, () => putAwayAll(stops))
    return { done, port: server.port, client: user => new InProcessClient(registry, user) }
  } catch (error) {
    failed.abort(error)
    // Why it could not start is worth more than what could not be put away.
    await putAwayAll(stops).catch((err: unknown) => log.error({ err }, 'putting away a failed start failed'))
    throw error
  }
}
