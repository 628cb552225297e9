import type { ClusterRole, RoleBinding } from 'kubernetes-types/rbac/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { draftOf } from '../../kinds/draft.ts'
import type { Store, StoreEvent } from '../../store/store.ts'
import type { Attributes } from '../attributes.ts'
import { type Authorizer, noOpinion, type RulesOfUser, type Verdict } from '../authorizer.ts'
import { serviceAccountName, type UserInfo } from '../user-info.ts'
import { type PolicyRule, policyRuleOf, ruleAllows } from './policy-rule.ts'

const prefix = '/registry/rbac.authorization.k8s.io'
const bindingPrefixes = [`${prefix}/clusterrolebindings/`, `${prefix}/rolebindings/`]
const rolePrefixes = [`${prefix}/clusterroles/`, `${prefix}/roles/`]

/** What a binding comes down to. */
interface Binding {
  key: string
  /** '' for a ClusterRoleBinding. */
  namespace: string
  name: string
  role: { kind: string; name: string }
  subjects: readonly Subject[]
}

interface Subject {
  /** `user:NAME`, `group:NAME`; a service account is a user. */
  key: string
  /** As a review's reason names it. */
  text: string
}

/** A rule with what a review says of where it comes from. */
interface Grant {
  rule: PolicyRule
  reason: string
}

/** The rules that hold in one place, and what could not be found out. */
export interface Resolved {
  grants: readonly Grant[]
  errors: readonly string[]
}

const bindingOf = (key: string, object: UnknownObject): Binding => {
  const { metadata, roleRef, subjects } = draftOf<RoleBinding>(object)
  const namespace = metadata?.namespace ?? ''
  return {
    key,
    namespace,
    name: metadata?.name ?? '',
    role: { kind: roleRef?.kind ?? '', name: roleRef?.name ?? '' },
    subjects: (subjects ?? []).flatMap(({ kind, name = '', namespace: home = '' }) => {
      if (kind === 'User') return { key: `user:${name}`, text: `User ${JSON.stringify(name)}` }
      if (kind === 'Group') return { key: `group:${name}`, text: `Group ${JSON.stringify(name)}` }
      if (kind !== 'ServiceAccount') return []
      // A RoleBinding may leave out the namespace of an account that is in its own.
      const place = home || namespace
      const text = `ServiceAccount ${JSON.stringify(`${name}/${place}`)}`
      return { key: `user:${serviceAccountName(place, name)}`, text }
    }),
  }
}

const roleText = ({ kind, name }: Binding['role']): string =>
  `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)}`

const reasonOf = ({ namespace, name, role }: Binding, subject: Subject): string => {
  const kind = namespace === '' ? 'ClusterRoleBinding' : 'RoleBinding'
  const text = namespace === '' ? name : `${name}/${namespace}`
  return `RBAC: allowed by ${kind} ${JSON.stringify(text)} of ${role.kind} ${JSON.stringify(role.name)} to ${subject.text}`
}

/** What is known of one user until RBAC objects change. */
interface Known {
  generation: number
  /** Where a RoleBinding gives more than holds in the whole cluster. */
  namespaces: ReadonlySet<string>
  /** The rules of each of these that was asked for, and of '', the cluster. */
  places: Map<string, Resolved>
}

/**
 * Mode RBAC. Bindings are kept by subject and follow the store; what they give a user is worked out when the user
 * first asks, and kept as long as the user's identity lives (that of a connection or a token) and no RBAC object changes.
 */
export class RbacAuthorizer implements Authorizer {
  readonly #store: Store
  readonly #bindings = new Map<string, Binding>()
  readonly #bySubject = new Map<string, Map<Binding, Subject>>()
  readonly #known = new WeakMap<UserInfo, Known>()
  readonly #stops: (() => void)[]
  #generation = 0

  constructor(store: Store) {
    this.#store = store
    const { revision } = store
    for (const each of bindingPrefixes)
      for (const { key, object } of store.range({ prefix: each }).entries) this.#add(bindingOf(key, object))
    this.#stops = [
      ...bindingPrefixes.map(each => store.watch(each, revision, event => this.#bindingChanged(event))),
      ...rolePrefixes.map(each => store.watch(each, revision, () => this.#generation++)),
    ]
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  #add(binding: Binding): void {
    this.#bindings.set(binding.key, binding)
    for (const subject of binding.subjects) {
      let bound = this.#bySubject.get(subject.key)
      if (bound === undefined) this.#bySubject.set(subject.key, (bound = new Map()))
      bound.set(binding, subject)
    }
  }

  #bindingChanged({ type, entry }: StoreEvent): void {
    this.#generation++
    const old = this.#bindings.get(entry.key)
    this.#bindings.delete(entry.key)
    for (const { key } of old?.subjects ?? []) {
      const bound = this.#bySubject.get(key)
      if (bound === undefined || old === undefined) continue
      bound.delete(old)
      if (bound.size === 0) this.#bySubject.delete(key)
    }
    if (type === 'put') this.#add(bindingOf(entry.key, entry.object))
  }

  /** The rules of a role; undefined when there is none. `namespace`: of the binding that refers to it. */
  roleRules(role: { kind: string; name: string }, namespace: string): PolicyRule[] | undefined {
    const key =
      role.kind === 'ClusterRole' ? `${prefix}/clusterroles/${role.name}` : `${prefix}/roles/${namespace}/${role.name}`
    const entry = this.#store.get(key)
    return entry && (draftOf<ClusterRole>(entry.object).rules ?? []).map(policyRuleOf)
  }

  #bindingsOf(user: UserInfo): [Binding, Subject][] {
    const keys = [`user:${user.name}`, ...user.groups.map(group => `group:${group}`)]
    return keys.flatMap(key => [...(this.#bySubject.get(key) ?? [])])
  }

  #resolve(user: UserInfo, namespace: string): Resolved {
    const grants: Grant[] = []
    const errors: string[] = []
    for (const [binding, subject] of this.#bindingsOf(user)) {
      if (binding.namespace !== '' && binding.namespace !== namespace) continue
      const rules = this.roleRules(binding.role, binding.namespace)
      if (rules === undefined) errors.push(`${roleText(binding.role)} not found`)
      const reason = reasonOf(binding, subject)
      for (const rule of rules ?? []) grants.push({ rule, reason })
    }
    return { grants, errors }
  }

  /** What a user's bindings give in a namespace; '': in the cluster as a whole. */
  resolve(user: UserInfo, namespace: string): Resolved {
    let known = this.#known.get(user)
    if (known === undefined || known.generation !== this.#generation) {
      const namespaces = new Set(this.#bindingsOf(user).map(([binding]) => binding.namespace))
      known = { generation: this.#generation, namespaces, places: new Map() }
      this.#known.set(user, known)
    }
    // Names that no binding is for share what holds everywhere: whoever makes up namespaces costs no memory.
    const at = known.namespaces.has(namespace) ? namespace : ''
    let place = known.places.get(at)
    if (place === undefined) known.places.set(at, (place = this.#resolve(user, at)))
    return place
  }

  authorize(user: UserInfo, wanted: Attributes): Verdict {
    const { grants, errors } = this.resolve(user, wanted.kind === 'resource' ? wanted.namespace : '')
    for (const { rule, reason } of grants) if (ruleAllows(rule, wanted)) return { decision: 'allow', reason }
    if (errors.length === 0) return noOpinion
    return { decision: 'no-opinion', reason: `RBAC: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}` }
  }

  rulesFor(user: UserInfo, namespace: string): RulesOfUser {
    const { grants, errors } = this.resolve(user, namespace)
    const all: RulesOfUser = { resourceRules: [], nonResourceRules: [], incomplete: errors.length > 0 }
    for (const { rule } of grants) {
      const { resourceNames: names } = rule
      if (rule.nonResourceURLs.length > 0)
        all.nonResourceRules.push({ verbs: [...rule.verbs], nonResourceURLs: [...rule.nonResourceURLs] })
      if (rule.resources.length > 0)
        all.resourceRules.push({
          verbs: [...rule.verbs],
          apiGroups: [...rule.apiGroups],
          resources: [...rule.resources],
          ...(names.length === 0 ? {} : { resourceNames: [...names] }),
        })
    }
    return errors.length === 0 ? all : { ...all, evaluationError: errors.join(', ') }
  }
}
