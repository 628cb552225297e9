import { SkiffError } from '../../../kube/errors.ts'
import type { AdmissionPlugin } from './plugin.ts'

export interface PluginSelection {
  /** --enable-admission-plugins */
  enable: readonly string[]
  /** --disable-admission-plugins */
  disable: readonly string[]
}

/** Built, and run only where they are asked for. */
const offByDefault = new Set(['AlwaysPullImages', 'ExtendedResourceToleration'])

/** Steps of a write that upstream does outside of admission. */
const unnamed = new Set(['ServiceAllocation', 'RBACEscalation', 'PolicyExpressions'])

/** Upstream's plugins that Skiff does not have. */
const notBuilt = new Set([
  'AlwaysAdmit', 'AlwaysDeny', 'ClusterTrustBundleAttest', 'DenyServiceExternalIPs', 'EventRateLimit',
  'ImagePolicyWebhook', 'LimitPodHardAntiAffinityTopology', 'MutatingAdmissionPolicy', 'NamespaceAutoProvision',
  'NamespaceExists', 'OwnerReferencesPermissionEnforcement', 'PodNodeSelector', 'PodTolerationRestriction',
  'PodTopologyLabels',
]) // prettier-ignore

const checkNames = (flag: string, names: readonly string[], known: readonly string[], mayLack: boolean): void => {
  for (const name of names) {
    if (known.includes(name) || (mayLack && notBuilt.has(name))) continue
    const missing = notBuilt.has(name)
    throw new SkiffError(
      missing ? 'NOT_IMPLEMENTED' : 'INVALID_INPUT',
      `--${flag}: admission plugin "${name}" is ${missing ? 'not built yet' : 'unknown'}`,
      { remedy: `leave it out, or name one of ${known.toSorted().join(', ')}` },
    )
  }
}

/**
 * The plugins that are to run, in their order. Throws SkiffError: INVALID_INPUT for a name that nobody knows or that is
 * both switched on and off, NOT_IMPLEMENTED for one of upstream's that is asked for and missing.
 */
export const selectPlugins = (
  plugins: readonly AdmissionPlugin[],
  { enable, disable }: PluginSelection,
): AdmissionPlugin[] => {
  const known = plugins.map(({ name }) => name).filter(name => !unnamed.has(name))
  checkNames('enable-admission-plugins', enable, known, false)
  checkNames('disable-admission-plugins', disable, known, true)
  const both = enable.filter(name => disable.includes(name))
  if (both.length > 0)
    throw new SkiffError(
      'INVALID_INPUT',
      `${both.join(', ')} in --enable-admission-plugins and --disable-admission-plugins overlapped`,
      { remedy: 'name each plugin in one of the two' },
    )
  return plugins.filter(({ name }) => enable.includes(name) || !(offByDefault.has(name) || disable.includes(name)))
}
