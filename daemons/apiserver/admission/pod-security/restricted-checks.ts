import {
  isWindows,
  named,
  type Part,
  partsOf,
  plural,
  quoted,
  type SecurityCheck,
  setters,
  sortedSet,
} from './security-check.ts'

const allowPrivilegeEscalation: SecurityCheck = {
  id: 'allowPrivilegeEscalation',
  level: 'restricted',
  since: 8,
  run: (pod, minor) => {
    if (minor >= 25 && isWindows(pod)) return undefined
    const bad = partsOf(pod).filter(part => part.securityContext?.allowPrivilegeEscalation !== false)
    if (bad.length === 0) return undefined
    const detail = `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`
    return { reason: 'allowPrivilegeEscalation != false', detail }
  },
}

const capabilitiesRestricted: SecurityCheck = {
  id: 'capabilities_restricted',
  level: 'restricted',
  since: 22,
  replaces: 'capabilities_baseline',
  run: (pod, minor) => {
    if (minor >= 25 && isWindows(pod)) return undefined
    const capabilities = (part: Part) => part.securityContext?.capabilities
    const added = (part: Part) =>
      (capabilities(part)?.add ?? []).map(String).filter(name => name !== 'NET_BIND_SERVICE')
    const keeping = partsOf(pod).filter(part => !(capabilities(part)?.drop ?? []).includes('ALL'))
    const adding = partsOf(pod).filter(part => added(part).length > 0)
    const details = [
      ...(keeping.length > 0 ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
      ...(adding.length > 0
        ? [
            `${named(adding)} must not include ${quoted(sortedSet(adding.flatMap(added)))} in securityContext.capabilities.add`,
          ]
        : []),
    ]
    return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') }
  },
}

const goodVolumes = new Set([
  'name', 'configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret',
]) // prettier-ignore

const restrictedVolumes: SecurityCheck = {
  id: 'restrictedVolumes',
  level: 'restricted',
  since: 0,
  replaces: 'hostPathVolumes',
  run: ({ spec }) => {
    const typeOf = (volume: object) => Object.keys(volume).find(key => !goodVolumes.has(key))
    const bad = (spec?.volumes ?? []).filter(volume => typeOf(volume) !== undefined)
    if (bad.length === 0) return undefined
    const types = sortedSet(bad.map(volume => typeOf(volume) ?? ''))
    const names = `${plural(bad.length, 'volume', 'volumes')} ${quoted(bad.map(({ name = '' }) => name))}`
    const verb = plural(bad.length, 'uses', 'use')
    return {
      reason: 'restricted volume types',
      detail: `${names} ${verb} restricted volume ${plural(types.length, 'type', 'types')} ${quoted(types)}`,
    }
  },
}

const runAsNonRoot: SecurityCheck = {
  id: 'runAsNonRoot',
  level: 'restricted',
  since: 0,
  run: pod => {
    const own = pod.spec?.securityContext?.runAsNonRoot
    const parts = partsOf(pod)
    const denying = parts.filter(part => part.securityContext?.runAsNonRoot === false)
    // A container that says it itself makes up for a pod that says otherwise.
    const silent = parts.filter(part => part.securityContext?.runAsNonRoot === undefined)
    const podDenies = own === false && silent.length > 0
    const reason = 'runAsNonRoot != true'
    if (denying.length > 0 || podDenies)
      return { reason, detail: `${setters(own === false, denying)} must not set securityContext.runAsNonRoot=false` }
    if (own === true || silent.length === 0) return undefined
    return { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` }
  },
}

const runAsUser: SecurityCheck = {
  id: 'runAsUser',
  level: 'restricted',
  since: 23,
  run: pod => {
    const own = pod.spec?.securityContext?.runAsUser === 0
    const bad = partsOf(pod).filter(part => part.securityContext?.runAsUser === 0)
    if (!own && bad.length === 0) return undefined
    return { reason: 'runAsUser=0', detail: `${setters(own, bad)} must not set runAsUser=0` }
  },
}

const seccompProfileRestricted: SecurityCheck = {
  id: 'seccompProfile_restricted',
  level: 'restricted',
  since: 19,
  replaces: 'seccompProfile_baseline',
  run: (pod, minor) => {
    if (minor >= 25 && isWindows(pod)) return undefined
    const good = (type: string) => type === 'RuntimeDefault' || type === 'Localhost'
    const own = pod.spec?.securityContext?.seccompProfile?.type
    const typeOf = (part: Part) => part.securityContext?.seccompProfile?.type
    const ownBad = own !== undefined && !good(own)
    const parts = partsOf(pod)
    const bad = parts.filter(part => typeOf(part) !== undefined && !good(typeOf(part) ?? ''))
    const reason = 'seccompProfile'
    if (ownBad || bad.length > 0) {
      const values = sortedSet([...(ownBad ? [own] : []), ...bad.map(part => typeOf(part) ?? '')])
      const detail = `${setters(ownBad, bad)} must not set securityContext.seccompProfile.type to ${quoted(values)}`
      return { reason, detail }
    }
    const silent = parts.filter(part => typeOf(part) === undefined)
    if (own !== undefined || silent.length === 0) return undefined
    const wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return { reason, detail: `pod or ${named(silent)} ${wanted}` }
  },
}

/** What a hardened pod does besides; in upstream's order, by id. */
export const restrictedChecks: readonly SecurityCheck[] = [
  allowPrivilegeEscalation,
  capabilitiesRestricted,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompProfileRestricted,
]
