import type { ServicePortPlan } from '../model/service-port-plan.ts'
import { fixedChains } from './chain-names.ts'
import { firewallJumps, jumps, type Jump } from './jumps.ts'
import type { Rule, Table } from './op.ts'
import { renderServicePort, type RenderedServicePort } from './render-service-port.ts'
import { rulesetOf, type Chain, type Ruleset } from './ruleset.ts'
import { markText, type IptablesSettings } from './settings.ts'

const comment = (text: string): Rule => ['-m', 'comment', '--comment', text]

/** The tables in which a vanished canary tells that somebody flushed the rules. */
export const canaryTables: readonly Table[] = ['mangle', 'nat', 'filter']

/** A rule that does nothing: an emptied chain is noticed, not only a removed one. */
const canaryRule: Rule = comment('kubernetes canary: when it is gone, kube-proxy writes its rules again')

/** Where NodePorts answer: last in KUBE-SERVICES, because every other portal is more specific. */
const nodePortRules = (settings: IptablesSettings): Rule[] => {
  const start = [
    ...comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain'),
    '-m',
    'addrtype',
    '--dst-type',
    'LOCAL',
  ]
  const end = ['-j', fixedChains.nodePorts]
  // With the address type, a network given here means the node's own addresses in it, also those it gets later.
  if (settings.nodePortAddresses !== 'all')
    return settings.nodePortAddresses.map(address => [...start, '-d', address, ...end])
  if (settings.family === 'ip6') return [[...start, '!', '-d', '::1/128', ...end]]
  return settings.localhostNodePorts ? [[...start, ...end]] : [[...start, '!', '-d', '127.0.0.0/8', ...end]]
}

const constantChains = (settings: IptablesSettings): Chain[] => {
  const mark = markText(settings)
  const forwardMarked = [...comment('kubernetes forwarding rules'), '-m', 'mark', '--mark', `${mark}/${mark}`]
  const known = ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED']
  const forwardKnown = [...comment('kubernetes forwarding conntrack rule'), ...known]
  const unless = ['-m', 'conntrack', '!', '--ctstate', 'RELATED,ESTABLISHED,DNAT']
  const martian = ['-d', '127.0.0.0/8', '!', '-s', '127.0.0.0/8', ...unless]
  const chains: Chain[] = [
    ...canaryTables.map((table): Chain => ({ table, name: fixedChains.canary, rules: [canaryRule] })),
    {
      table: 'filter',
      name: fixedChains.forward,
      rules: [
        // A packet conntrack cannot place is not translated back, and would make the receiver reset the connection.
        ['-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP'],
        [...forwardMarked, '-j', 'ACCEPT'],
        [...forwardKnown, '-j', 'ACCEPT'],
      ],
    },
    { table: 'nat', name: fixedChains.markMasq, rules: [['-j', 'MARK', '--or-mark', mark]] },
    {
      table: 'nat',
      name: fixedChains.postrouting,
      rules: [
        ['-m', 'mark', '!', '--mark', `${mark}/${mark}`, '-j', 'RETURN'],
        // The mark is taken off, so that a packet that goes round twice (a tunnel) is not masqueraded twice.
        ['-j', 'MARK', '--xor-mark', mark],
        [...comment('kubernetes service traffic requiring SNAT'), '-j', 'MASQUERADE', '--random-fully'],
      ],
    },
  ]
  if (settings.localhostNodePorts)
    chains.push({
      table: 'filter',
      name: fixedChains.firewall,
      rules: [[...comment('block incoming localnet connections'), ...martian, '-j', 'DROP']],
    })
  return chains
}

/** Renders, remembering what each plan gave: an unchanged plan costs nothing and keeps its chain objects. */
export class RulesetRenderer {
  readonly settings: IptablesSettings
  readonly #rendered = new WeakMap<ServicePortPlan, RenderedServicePort>()
  readonly #constant: readonly Chain[]
  readonly #nodePorts: readonly Rule[]
  constructor(settings: IptablesSettings) {
    this.settings = settings
    this.#constant = constantChains(settings)
    this.#nodePorts = nodePortRules(settings)
  }

  /** The jumps these settings need from the kernel's own chains. */
  get jumps(): readonly Jump[] {
    return this.settings.localhostNodePorts ? [...jumps, ...firewallJumps] : jumps
  }

  #render(plan: ServicePortPlan): RenderedServicePort {
    let rendered = this.#rendered.get(plan)
    if (rendered === undefined) this.#rendered.set(plan, (rendered = renderServicePort(plan, this.settings)))
    return rendered
  }

  /** The whole ruleset; chains that others jump to come first. Deterministic: the same plans give the same bytes. */
  render(plans: Iterable<ServicePortPlan>): Ruleset {
    const chains: Chain[] = [...this.#constant]
    const rules = (table: Table, name: string): Rule[] => {
      const list: Rule[] = []
      tops.push({ table, name, rules: list })
      return list
    }
    const tops: Chain[] = []
    const nodePorts = rules('nat', fixedChains.nodePorts)
    const portals = rules('nat', fixedChains.services)
    const refusals = rules('filter', fixedChains.services)
    const externalRefusals = rules('filter', fixedChains.externalServices)
    const firewalled = rules('filter', fixedChains.proxyFirewall)
    const healthChecks = rules('filter', fixedChains.nodePorts)
    for (const plan of plans) {
      const rendered = this.#render(plan)
      chains.push(...rendered.chains)
      portals.push(...rendered.portals)
      nodePorts.push(...rendered.nodePorts)
      refusals.push(...rendered.refusals)
      externalRefusals.push(...rendered.externalRefusals)
      firewalled.push(...rendered.firewalled)
      healthChecks.push(...rendered.healthChecks)
    }
    portals.push(...this.#nodePorts)
    return rulesetOf([...chains, ...tops])
  }
}
