import type { CallCost } from '../cost.ts'
import type { CelType } from '../cel-type.ts'
import { opaqueType } from '../cel-type.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import { CelOpaque } from '../value.ts'

/** Who is asked about. */
export interface CelUser {
  readonly name: string
  readonly groups: readonly string[]
}

/** What may be asked of the API server's authorizer. */
export type CelAttributes =
  | { kind: 'path'; verb: string; path: string }
  | {
      kind: 'resource'
      verb: string
      group: string
      plural: string
      subresource: string
      namespace: string
      name: string
    }

export interface CelDecision {
  readonly allowed: boolean
  readonly reason: string
  readonly error?: string | undefined
}

/** The authorizer, as expressions see it. It answers at once. */
export type CelAuthorize = (user: CelUser, attributes: CelAttributes) => CelDecision

const prefix = 'kubernetes.authorization'
const type = {
  authorizer: `${prefix}.Authorizer`,
  path: `${prefix}.PathCheck`,
  group: `${prefix}.GroupCheck`,
  resource: `${prefix}.ResourceCheck`,
  decision: `${prefix}.Decision`,
}

export const authorizerType: CelType = opaqueType(type.authorizer)
export const resourceCheckType: CelType = opaqueType(type.resource)

/** None of these is ever equal to another. */
let made = 0
abstract class Check extends CelOpaque {
  readonly key = `${made++}`
}

/** The variable `authorizer`: what one user may do. */
export class CelAuthorizer extends Check {
  readonly typeName = type.authorizer
  readonly authorize: CelAuthorize
  readonly user: CelUser
  constructor(authorize: CelAuthorize, user: CelUser) {
    super()
    this.authorize = authorize
    this.user = user
  }

  decide(attributes: CelAttributes): Decision {
    return new Decision(this.authorize(this.user, attributes))
  }
}

class PathCheck extends Check {
  readonly typeName = type.path
  readonly authorizer: CelAuthorizer
  readonly path: string
  constructor(authorizer: CelAuthorizer, path: string) {
    super()
    this.authorizer = authorizer
    this.path = path
  }
}

class GroupCheck extends Check {
  readonly typeName = type.group
  readonly authorizer: CelAuthorizer
  readonly group: string
  constructor(authorizer: CelAuthorizer, group: string) {
    super()
    this.authorizer = authorizer
    this.group = group
  }
}

type ResourceFields = Omit<CelAttributes & { kind: 'resource' }, 'kind' | 'verb'>

/** Also the variable `authorizer.requestResource`. */
export class CelResourceCheck extends Check {
  readonly typeName = type.resource
  readonly authorizer: CelAuthorizer
  readonly fields: ResourceFields
  constructor(authorizer: CelAuthorizer, fields: ResourceFields) {
    super()
    this.authorizer = authorizer
    this.fields = fields
  }

  with(fields: Partial<ResourceFields>): CelResourceCheck {
    return new CelResourceCheck(this.authorizer, { ...this.fields, ...fields })
  }
}

class Decision extends Check {
  readonly typeName = type.decision
  readonly decision: CelDecision
  constructor(decision: CelDecision) {
    super()
    this.decision = decision
  }
}

const serviceAccount = (authorizer: CelAuthorizer, namespace: string, name: string): CelAuthorizer => {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
  return new CelAuthorizer(authorizer.authorize, { name: `system:serviceaccount:${namespace}:${name}`, groups })
}

const newResource = (check: GroupCheck, plural: string): CelResourceCheck =>
  plural === ''
    ? fail('resource must not be empty')
    : new CelResourceCheck(check.authorizer, { group: check.group, plural, subresource: '', namespace: '', name: '' })

/** Asking the authorizer is dear. (Upstream: 350,000, so that a rule asks two or three times.) */
const asking: CallCost = () => 350_000

/** Kubernetes' authz library. Selectors are accepted; the authorizer here does not look at them. */
export const addAuthorization = (table: FunctionTableBuilder): void => {
  table
    .add(`[${type.authorizer}].path(string): ${type.path}`, (a: CelAuthorizer, path: string) =>
      path === '' ? fail('path must not be empty') : new PathCheck(a, path),
    )
    .add(
      `[${type.authorizer}].group(string): ${type.group}`,
      (a: CelAuthorizer, group: string) => new GroupCheck(a, group),
    )
    .add(`[${type.authorizer}].serviceAccount(string, string): ${type.authorizer}`, serviceAccount)
    .add(`[${type.group}].resource(string): ${type.resource}`, newResource)
    .add(
      `[${type.path}].check(string): ${type.decision}`,
      (a: PathCheck, verb: string) => a.authorizer.decide({ kind: 'path', verb, path: a.path }),
      asking,
    )
    .add(
      `[${type.resource}].check(string): ${type.decision}`,
      (a: CelResourceCheck, verb: string) => a.authorizer.decide({ kind: 'resource', verb, ...a.fields }),
      asking,
    )
    .add(`[${type.decision}].allowed(): bool`, (a: Decision) => a.decision.allowed)
    .add(`[${type.decision}].reason(): string`, (a: Decision) => a.decision.reason)
    .add(`[${type.decision}].errored(): bool`, (a: Decision) => a.decision.error !== undefined)
    .add(`[${type.decision}].error(): string`, (a: Decision) => a.decision.error ?? '')
  for (const field of ['subresource', 'namespace', 'name'] as const)
    table.add(`[${type.resource}].${field}(string): ${type.resource}`, (a: CelResourceCheck, value: string) =>
      a.with({ [field]: value }),
    )
  for (const selector of ['fieldSelector', 'labelSelector'])
    table.add(`[${type.resource}].${selector}(string): ${type.resource}`, (a: CelResourceCheck) => a)
}
