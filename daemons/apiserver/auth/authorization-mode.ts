import { SkiffError } from '../../../kube/errors.ts'
import type { Store } from '../store/store.ts'
import { alwaysAllow, alwaysDeny, type Authorizer, authorizerChain } from './authorizer.ts'
import { NodeAuthorizer } from './node/node-authorizer.ts'
import { RbacAuthorizer } from './rbac/rbac-authorizer.ts'

const modes = ['Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny'] as const
type Mode = (typeof modes)[number]

/** What decides, and what is known of RBAC whether or not it decides: writes of roles are checked against it. */
export interface Authorization {
  authorizer: Authorizer
  rbac: RbacAuthorizer
  modes: readonly Mode[]
  close(): void
}

/** Throws SkiffError INVALID_INPUT for a mode that there is not, that is named twice, or none. */
export const parseModes = (words: readonly string[]): Mode[] => {
  const remedy = `name some of ${modes.join(', ')}; Webhook and --authorization-config are not built`
  const invalid = (why: string) => new SkiffError('INVALID_INPUT', `--authorization-mode: ${why}`, { remedy })
  if (words.length === 0) throw invalid('it needs at least one mode')
  return words.map((word, index) => {
    const mode = modes.find(known => known === word)
    if (mode === undefined) throw invalid(`there is no mode ${JSON.stringify(word)}`)
    if (words.indexOf(word) !== index) throw invalid(`${word} is named twice`)
    return mode
  })
}

/** The authorizers of --authorization-mode in their order, on the objects in the store. */
export const makeAuthorization = (words: readonly string[], store: Store): Authorization => {
  const named = parseModes(words)
  const rbac = new RbacAuthorizer(store)
  const node = new NodeAuthorizer(store)
  const byMode: Record<Mode, Authorizer> = { Node: node, RBAC: rbac, AlwaysAllow: alwaysAllow, AlwaysDeny: alwaysDeny }
  return {
    authorizer: authorizerChain(named.map(mode => byMode[mode])),
    rbac,
    modes: named,
    close: () => {
      node.close()
      rbac.close()
    },
  }
}
