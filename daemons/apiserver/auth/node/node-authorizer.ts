import type { Store } from '../../store/store.ts'
import { type Attributes, type ResourceAttributes, selectedField } from '../attributes.ts'
import { allowed, type Authorizer, noOpinion, type Verdict } from '../authorizer.ts'
import { bootstrapRules } from '../rbac/bootstrap-policy.ts'
import { type PolicyRule, policyRuleOf, ruleAllows } from '../rbac/policy-rule.ts'
import type { UserInfo } from '../user-info.ts'
import { NodeGraph } from './node-graph.ts'
import type { ReferencePlural } from './pod-references.ts'

/** The node behind the identity `system:node:NAME` of the group system:nodes. */
export const nodeNameOf = ({ name, groups }: UserInfo): string | undefined =>
  name.startsWith('system:node:') && groups.includes('system:nodes') ? name.slice('system:node:'.length) : undefined

const no = (reason: string): Verdict => ({ decision: 'no-opinion', reason })
const unrelated = (node: string): Verdict => no(`no relationship found between node '${node}' and this object`)
const ownVerbs = new Set(['get', 'create', 'update', 'patch', 'delete'])
const readVerbs = new Set(['get', 'list', 'watch'])

/**
 * Mode Node: what a kubelet may do, by upstream's rules of v1.34. Of secrets, config maps, claims, volumes and tokens
 * a node gets what the pods that are bound to it refer to, and of pods, leases, CSINodes and Nodes its own.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #store: Store
  #graph: NodeGraph | undefined
  #rules: PolicyRule[] | undefined

  constructor(store: Store) {
    this.#store = store
  }

  close(): void {
    this.#graph?.close()
  }

  get #known(): NodeGraph {
    return (this.#graph ??= new NodeGraph(this.#store))
  }

  rulesFor(user: UserInfo): ReturnType<Authorizer['rulesFor']> {
    const empty = { resourceRules: [], nonResourceRules: [], incomplete: false }
    if (!user.groups.includes('system:nodes') || !user.name.startsWith('system:node:')) return empty
    return { ...empty, incomplete: true, evaluationError: 'node authorizer does not support user rule resolution' }
  }

  authorize(user: UserInfo, wanted: Attributes): Verdict {
    const node = nodeNameOf(user)
    if (node === undefined) return noOpinion
    if (node === '') return no(`unknown node for user ${JSON.stringify(user.name)}`)
    return (wanted.kind === 'resource' ? this.#subdivided(node, wanted) : undefined) ?? this.#byRule(wanted)
  }

  #byRule(wanted: Attributes): Verdict {
    this.#rules ??= bootstrapRules('system:node').map(policyRuleOf)
    return this.#rules.some(rule => ruleAllows(rule, wanted)) ? allowed : noOpinion
  }

  /** The verdict on resources that every node has its share of; undefined for all others. */
  #subdivided(node: string, wanted: ResourceAttributes): Verdict | undefined {
    const qualified = wanted.group === '' ? wanted.plural : `${wanted.plural}.${wanted.group}`
    switch (qualified) {
      case 'secrets':
      case 'configmaps':
        return this.#read(node, qualified, wanted)
      case 'persistentvolumeclaims':
        return wanted.subresource === 'status'
          ? this.#claimStatus(node, wanted)
          : this.#get(node, wanted, () => this.#refers(node, 'persistentvolumeclaims', wanted))
      case 'persistentvolumes':
        return this.#get(node, wanted, () => this.#known.reachesVolume(node, wanted.name))
      case 'volumeattachments.storage.k8s.io':
        return this.#get(node, wanted, () => this.#known.hasAttachment(node, wanted.name))
      case 'serviceaccounts':
        return this.#token(node, wanted)
      case 'leases.coordination.k8s.io':
        return lease(node, wanted)
      case 'csinodes.storage.k8s.io':
        return csiNode(node, wanted)
      case 'nodes':
        return nodeObject(node, wanted)
      case 'pods':
        return this.#pod(node, wanted)
      default:
        return undefined
    }
  }

  #refers(node: string, plural: ReferencePlural, { namespace, name }: ResourceAttributes): boolean {
    return this.#known.reaches(node, { plural, namespace, name })
  }

  #related(node: string, wanted: ResourceAttributes, reaches: () => boolean): Verdict {
    if (wanted.name === '') return no('No Object name found')
    return reaches() ? allowed : unrelated(node)
  }

  #get(node: string, wanted: ResourceAttributes, reaches: () => boolean): Verdict {
    if (wanted.verb !== 'get') return no('can only get individual resources of this type')
    if (wanted.subresource !== '') return no('cannot get subresource')
    return this.#related(node, wanted, reaches)
  }

  #read(node: string, plural: ReferencePlural, wanted: ResourceAttributes): Verdict {
    if (!readVerbs.has(wanted.verb)) return no('can only read resources of this type')
    if (wanted.subresource !== '') return no('cannot read subresource')
    if (wanted.namespace === '') return no('can only read namespaced object of this type')
    return this.#related(node, wanted, () => this.#refers(node, plural, wanted))
  }

  #claimStatus(node: string, wanted: ResourceAttributes): Verdict {
    if (wanted.verb !== 'update' && wanted.verb !== 'patch') return no('can only get/update/patch this type')
    return this.#related(node, wanted, () => this.#refers(node, 'persistentvolumeclaims', wanted))
  }

  #token(node: string, wanted: ResourceAttributes): Verdict {
    if (wanted.verb !== 'create' || wanted.name === '')
      return no('can only create tokens for individual service accounts')
    if (wanted.subresource !== 'token') return no('can only create token subresource of serviceaccount')
    return this.#refers(node, 'serviceaccounts', wanted) ? allowed : unrelated(node)
  }

  #pod(node: string, wanted: ResourceAttributes): Verdict {
    const { verb, subresource, namespace, name } = wanted
    const runs = () => this.#known.runsPod(node, namespace, name)
    switch (`${verb} ${subresource}`) {
      case 'get ':
        return this.#get(node, wanted, runs)
      case 'list ':
      case 'watch ':
        if (selectedField(wanted.fieldSelector, 'spec.nodeName') === node) return allowed
        if (name !== '') return this.#related(node, wanted, runs)
        return no('can only list/watch pods with spec.nodeName field selector')
      // Which pods, NodeRestriction says: only it sees the object.
      case 'create ':
      case 'delete ':
      case 'update status':
      case 'patch status':
      case 'create eviction':
        return allowed
      default:
        return noOpinion
    }
  }
}

const lease = (node: string, { verb, namespace, name }: ResourceAttributes): Verdict => {
  if (!ownVerbs.has(verb)) return no('can only get, create, update, patch, or delete a node lease')
  if (namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace')
  // The name of what is created is not known yet: NodeRestriction looks at it.
  if (verb !== 'create' && name !== node)
    return no('can only access node lease with the same name as the requesting node')
  return allowed
}

const csiNode = (node: string, { verb, subresource, name }: ResourceAttributes): Verdict => {
  if (!ownVerbs.has(verb)) return no('can only get, create, update, patch, or delete a CSINode')
  if (subresource !== '') return no('cannot authorize CSINode subresources')
  if (verb !== 'create' && name !== node) return no('can only access CSINode with the same name as the requesting node')
  return allowed
}

const nodeObject = (node: string, { verb, subresource, name }: ResourceAttributes): Verdict => {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? allowed : noOpinion
  if (subresource !== '') return noOpinion
  if (verb === 'create' || verb === 'update' || verb === 'patch') return allowed
  if (!readVerbs.has(verb)) return noOpinion
  if (name === node) return allowed
  return name === ''
    ? no(`node '${node}' cannot read all nodes, only its own Node object`)
    : no(`node '${node}' cannot read '${name}', only its own Node object`)
}
