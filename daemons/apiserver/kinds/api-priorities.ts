/** Where a group version stands in discovery: larger numbers first, groups before versions. */
export interface ApiPriority {
  group: number
  version: number
}

const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'resource.k8s.io': 15_900,
}

/** Where it is not 15. */
const versionPriorities: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
}

/** What every CustomResourceDefinition gets. */
export const customPriority: ApiPriority = { group: 1000, version: 100 }

/** Of a built-in group version, as upstream registers it; undefined for one that has no APIService of its own. */
export const apiPriority = (group: string, version: string): ApiPriority | undefined => {
  const priority = groupPriorities[group]
  return priority === undefined
    ? undefined
    : { group: priority, version: versionPriorities[`${group}/${version}`] ?? 15 }
}

/** For the order of groups; apiregistration.k8s.io goes before all that have a name, as upstream puts it there by hand. */
export const groupPriority = (group: string): number =>
  group === 'apiregistration.k8s.io' ? 17_999 : (groupPriorities[group] ?? customPriority.group)
