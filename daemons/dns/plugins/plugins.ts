import { bind } from './bind.ts'
import { cache } from './cache.ts'
import { errors } from './errors.ts'
import { forward } from './forward.ts'
import { health } from './health.ts'
import { hosts } from './hosts.ts'
import { kubernetes } from './kubernetes.ts'
import { loadbalance } from './loadbalance.ts'
import { log } from './log.ts'
import { loop } from './loop.ts'
import type { Plugin } from './plugin.ts'
import { prometheus } from './prometheus.ts'
import { ready } from './ready.ts'
import { reload } from './reload.ts'

/** Every plugin there is, in the order in which a question meets them, whatever their order in the Corefile (upstream's order). */
export const plugins: readonly Plugin[] = [
  reload,
  bind,
  ready,
  health,
  prometheus,
  errors,
  log,
  loadbalance,
  cache,
  hosts,
  kubernetes,
  loop,
  forward,
]

/** Plugins that CoreDNS has and Skiff does not build: a Corefile that names one is told so. */
export const otherPlugins: readonly string[] =
  'acl any auto autopath azure bufsize cancel chaos clouddns debug dns64 dnssec dnstap erratic etcd file geoip grpc grpc_server header https https3 k8s_external local metadata minimal multisocket nomad nsid on pprof quic rewrite root route53 secondary sign template timeouts tls trace transfer tsig view whoami'.split(
    ' ',
  )
