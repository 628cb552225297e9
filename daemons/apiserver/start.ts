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
import { admissionPlugins } from './admission/plugins.ts'
import { selectPlugins } from './admission/select-plugins.ts'
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
import { InProcessClient } from './in-process-client.ts'
import { servedKinds } from './kinds/builtin.ts'
import type { ApiServerOptions } from './options.ts'
import { readerOf, Registry } from './registry/registry.ts'
import { ensureNamespaces, ensureSystemObjects, restoreSystemObjects } from './registry/system-objects.ts'
import { keepUp } from './registry/upkeep.ts'
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

/** `10.96.0.1` of `10.96.0.0/16`. */
export const firstAddress = (range: string): string => {
  const [address = '', bits = ''] = range.split('/')
  const length = Number(bits)
  if (!isIPv4(address) || !/^\d+$/.test(bits) || length < 8 || length > 30)
    throw new SkiffError(
      'INVALID_INPUT',
      `--service-cluster-ip-range: ${range} is not an IPv4 range between /8 and /30`,
    )
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const first = number - (number % 2 ** (32 - length)) + 1
  return [24, 16, 8, 0].map(shift => Math.floor(first / 2 ** shift) % 256).join('.')
}

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
  webhookMetrics: WebhookMetrics,
): Promise<{ registry: Registry; authorization: Authorization; tokens: Tokens }> => {
  const store = await openStore(options, context)
  try {
    return registryOn(store, options, webhookMetrics)
  } catch (error) {
    await store.close()
    throw error
  }
}

const registryOn = (store: Store, options: ApiServerOptions, webhookMetrics: WebhookMetrics) => {
  const { serviceClusterIpRange, serviceNodePortRange } = options
  const authorization = makeAuthorization(options.authorizationMode, store)
  const { authorizer, rbac } = authorization
  const mountTokens = options.serviceAccountSigningKeyFile !== ''
  const admission = { serviceClusterIpRange, serviceNodePortRange, webhookMetrics, authorizer, mountTokens }
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

/** Removes what is old until the daemon is stopped; then puts everything away. */
const untilStopped = async (
  registry: Registry,
  { eventTtl: eventTtlMs }: ApiServerOptions,
  { signal, log }: DaemonContext,
  putAway: () => Promise<void>,
): Promise<void> => {
  try {
    await keepUp(registry, {
      eventTtlMs,
      signal,
      onError: err => log.error({ err }, 'removing old events failed'),
    })
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await putAway()
  }
}

/**
 * Opens the store, listens, and makes the objects every cluster has. Throws SkiffError INVALID_INPUT for files and
 * ranges that do not fit, HOST_UNFIT for a port that is taken, ALREADY_RUNNING for a store that is in use.
 */
export const start = async (options: ApiServerOptions, context: DaemonContext): Promise<RunningApiServer> => {
  const { log, signal } = context
  check(options)
  const clusterIp = firstAddress(options.serviceClusterIpRange)
  const authorities = readAuthorities(options)
  const tls = {
    cert: readPem('tls-cert-file', options.tlsCertFile),
    key: readPem('tls-private-key-file', options.tlsPrivateKeyFile),
    clientCa: Object.values(authorities).filter(text => text !== ''),
  }
  const frontProxy = frontProxyOf(options, authorities)
  const identity = proxyIdentity(options)
  const webhookMetrics = new WebhookMetrics()
  const { registry, authorization, tokens } = await openRegistry(options, context, webhookMetrics)
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
    metrics: makeApiMetrics(registry, [webhookMetrics, aggregator, flowMetrics]),
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
    const stopDefinitions = await definitions.start()
    const stopAggregator = await aggregator.start()
    const server = await serveHttp({ handler, addresses: options.bindAddress, port: options.securePort, tls })
    const address = advertised(options)
    if (address === undefined) log.warn('no address but loopback: pods cannot reach the API (see --advertise-address)')
    const endpoint = { clusterIp, address, port: server.port, serviceRange: options.serviceClusterIpRange }
    const trust = { resource: configMaps, object: authenticationConfigMap(options, authorities), keep: ['data'] }
    const ensure = () => ensureSystemObjects(self, endpoint, [trust])
    await ensure()
    const stopFlow = flow.start()
    const stopFlowStatus = keepFlowStatus(registry.store, self, {
      now: () => registry.now(),
      onError: err => log.error({ err }, 'telling the status of a FlowSchema failed'),
    })
    const stopRestoring = restoreSystemObjects(registry.store, ensure, err =>
      log.error({ err }, 'making a system object again failed'),
    )
    const stopPolicyStatus = keepPolicyStatus(registry, self, err =>
      log.error({ err }, 'checking the types of a ValidatingAdmissionPolicy failed'),
    )
    ready = true
    log.info({ addresses: options.bindAddress, port: server.port }, 'serving')
    const done = untilStopped(registry, options, context, async () => {
      stopRestoring()
      stopFlow()
      stopFlowStatus()
      stopDefinitions()
      stopAggregator()
      stopPolicyStatus()
      await server.close()
      authorization.close()
      await registry.store.close()
    })
    return { done, port: server.port, client: user => new InProcessClient(registry, user) }
  } catch (error) {
    await registry.store.close()
    throw error
  }
}
