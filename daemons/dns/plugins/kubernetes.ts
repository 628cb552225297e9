import { corefileError, type Directive } from '../corefile/corefile.ts'
import {
  neverFallThrough,
  readFallthrough,
  refuseProperty,
  wholeNumber,
  zonesFrom,
  type Fallthrough,
} from '../corefile/read-directive.ts'
import type { ClusterSource } from '../kubernetes/cluster-source.ts'
import { isReverseZone, lookup, soaRecord, type ClusterZones } from '../kubernetes/lookup.ts'
import { rcodes, replyTo, types, type Message } from '../message/message.ts'
import { closestZone, normalName } from '../message/name.ts'
import type { Answer, Plugin, Query, SetupContext, Step } from './plugin.ts'

interface Config {
  zones: string[]
  cluster: Omit<ClusterZones, 'serverAddresses'>
  fallthrough: Fallthrough
}

/** Properties that upstream has and Skiff does not build. */
const notBuilt = [
  'endpoint',
  'tls',
  'kubeconfig',
  'labels',
  'namespace_labels',
  'ignore',
  'transfer',
  'multicluster',
  'noendpoints',
  'apiserver_qps',
  'startup_timeout',
]

const podModes = ['disabled', 'insecure', 'verified'] as const

const readConfig = (directive: Directive, context: SetupContext): Config => {
  const zones = zonesFrom(directive, directive.args, context.zones)
  const primary = zones.find(zone => !isReverseZone(zone))
  if (primary === undefined) throw corefileError(directive, 'needs a zone that is not a reverse zone')
  let fallthrough = neverFallThrough
  let pods: ClusterZones['pods'] = 'disabled'
  let ttl = 5
  let endpointPodNames = false
  const onlyNamespaces = new Set<string>()
  for (const property of directive.body) {
    switch (property.name) {
      case 'pods': {
        const mode = podModes.find(candidate => candidate === property.args[0])
        if (mode === undefined) throw corefileError(property, `one of ${podModes.join(', ')}`)
        pods = mode
        break
      }
      case 'fallthrough':
        fallthrough = readFallthrough(property)
        break
      case 'ttl':
        ttl = wholeNumber(property, property.args[0], [0, 3600])
        break
      case 'endpoint_pod_names':
        endpointPodNames = true
        break
      case 'namespaces':
        for (const name of property.args) onlyNamespaces.add(name)
        break
      default:
        refuseProperty('kubernetes', property, notBuilt)
    }
  }
  return { zones, cluster: { primary, ttl, pods, endpointPodNames, onlyNamespaces }, fallthrough }
}

class KubernetesStep implements Step {
  readonly plugin = 'kubernetes'
  readonly #config: Config
  readonly #source: ClusterSource
  readonly #context: SetupContext
  constructor(config: Config, source: ClusterSource, context: SetupContext) {
    this.#config = config
    this.#source = source
    this.#context = context
  }

  answer(query: Query, next: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
    const zone = closestZone(this.#config.zones, query.name)
    if (zone === undefined) return next()
    // Better no answer than a wrong "there is no such Service" that clients would keep.
    // It is the cluster's word all the same, so no cache keeps it.
    if (!this.#source.synced())
      return { kind: 'reply', source: 'cluster', message: replyTo(query.message, { rcode: rcodes.SERVFAIL }) }
    const { index } = this.#source
    const zones: ClusterZones = { ...this.#config.cluster, serverAddresses: this.#context.serverAddresses() }
    const found = lookup({ name: query.name, type: query.type, zone }, index, zones)
    switch (found.kind) {
      case 'records':
        return this.#reply(query, { answers: found.answers, additionals: found.additionals })
      case 'alias':
        return this.#follow(query, found)
      case 'nxdomain':
        if (this.#config.fallthrough(query.name)) return next()
        return this.#negative(query, zone, rcodes.NXDOMAIN)
      case 'nodata':
        return this.#negative(query, zone, rcodes.NOERROR)
    }
  }

  #reply(query: Query, changes: Partial<Message>): Answer {
    return { kind: 'reply', source: 'cluster', message: replyTo(query.message, { authoritative: true, ...changes }) }
  }

  #negative(query: Query, zone: string, rcode: number): Answer {
    const soa = soaRecord(zone, this.#source.index.generation, this.#config.cluster.ttl)
    return this.#reply(query, { rcode, authorities: [soa] })
  }

  /** The alias and what it leads to, as the rest of the world sees it. That part is not the cluster's: it may be cached by its TTL. */
  async #follow(query: Query, found: { alias: Message['answers'][number]; target: string }): Promise<Answer> {
    const alone = replyTo(query.message, { authoritative: true, answers: [found.alias] })
    if (query.type === types.CNAME) return { kind: 'reply', source: 'cluster', message: alone }
    let target: Message
    try {
      target = await query.resolve(normalName(found.target), query.type)
    } catch {
      return { kind: 'reply', message: { ...alone, rcode: rcodes.SERVFAIL } }
    }
    const rcode = target.rcode === rcodes.NXDOMAIN || target.rcode === rcodes.NOERROR ? rcodes.NOERROR : target.rcode
    return { kind: 'reply', message: { ...alone, rcode, answers: [found.alias, ...target.answers] } }
  }
}

/** kubernetes: the cluster's zone, by the DNS-based service discovery specification 1.1.0. */
export const kubernetes: Plugin = {
  name: 'kubernetes',
  setup: (directive, context) => {
    const config = readConfig(directive, context)
    const source = context.cluster()
    if (config.cluster.pods === 'verified') source.watchPods()
    return { step: new KubernetesStep(config, source, context), ready: () => source.synced() }
  },
}
