import type { Test } from 'tap'
import type { ResourceAttributes } from '../../../../daemons/apiserver/auth/attributes.ts'
import { reconcilePolicy } from '../../../../daemons/apiserver/auth/rbac/reconcile-policy.ts'
import type { UserInfo } from '../../../../daemons/apiserver/auth/user-info.ts'
import { makeRegistry } from '../registry/test-registry.ts'

/** A user as authentication makes it. */
export const user = (name: string, ...groups: string[]): UserInfo => ({
  name,
  groups: [...groups, 'system:authenticated'],
})

/** `deployments.apps/scale`, `secrets=db`: a resource in the namespace x, by name if it has one. */
export const wanted = (verb: string, text: string, namespace = 'x'): ResourceAttributes => {
  const [resource = '', name = ''] = text.split('=')
  const [qualified = '', subresource = ''] = resource.split('/')
  const [plural = '', ...group] = qualified.split('.')
  return { kind: 'resource', verb, group: group.join('.'), plural, subresource, namespace, name }
}

/** A registry that holds the default roles and bindings. */
export const makePolicyRegistry = async (t: Test) => {
  const made = await makeRegistry(t)
  await reconcilePolicy(made.client, made.registry.reader)
  return made
}
