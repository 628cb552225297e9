import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Container } from 'kubernetes-types/core/v1.js'
import type { ContainerSpec } from '../../../host/container-engine.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { LocalPod } from '../sync/local-pod.ts'

type Security = Pick<
  ContainerSpec,
  | 'user'
  | 'supplementalGroups'
  | 'privileged'
  | 'readOnlyRoot'
  | 'noNewPrivileges'
  | 'addCapabilities'
  | 'dropCapabilities'
  | 'securityOptions'
>

interface Profile {
  type?: string
  localhostProfile?: string
}

/** A missing seccomp profile means none, as upstream has it without SeccompDefault. */
const seccomp = (profile: Profile | undefined, profileRoot: string): string[] => {
  if (profile === undefined || profile.type === 'Unconfined') return ['seccomp=unconfined']
  if (profile.type === 'RuntimeDefault') return []
  const file = join(profileRoot, 'seccomp', profile.localhostProfile ?? '')
  try {
    return [`seccomp=${readFileSync(file, 'utf8')}`]
  } catch (cause) {
    throw new SkiffError('NOT_FOUND', `cannot load seccomp profile "${file}": ${messageOf(cause)}`, { cause })
  }
}

const appArmor = (profile: Profile | undefined): string[] => {
  if (profile === undefined || profile.type === 'RuntimeDefault') return []
  return [`apparmor=${profile.type === 'Unconfined' ? 'unconfined' : (profile.localhostProfile ?? '')}`]
}

/** `uid[:gid]`, or undefined for the image's own. */
const userOf = (uid: number | undefined, gid: number | undefined, imageUser: string): string | undefined => {
  if (uid === undefined && gid === undefined) return undefined
  const user = uid === undefined ? imageUser.split(':')[0] || '0' : String(uid)
  return gid === undefined ? user : `${user}:${gid}`
}

const isRoot = (user: string): boolean => user === '' || user === 'root' || /^0+$/.test(user)

/**
 * What the security contexts of pod and container mean for the engine; the container's wins.
 * Throws INVALID_INPUT when runAsNonRoot cannot be kept (texts are upstream's).
 */
export const securityOf = (
  pod: LocalPod,
  container: Container,
  host: { imageUser: string; profileRoot: string },
): Security => {
  const podContext = pod.spec.securityContext ?? {}
  const own = container.securityContext ?? {}
  const uid = own.runAsUser ?? podContext.runAsUser
  const imageUser = host.imageUser.split(':')[0] ?? ''
  if (own.runAsNonRoot ?? podContext.runAsNonRoot ?? false) {
    if (uid === 0) throw new SkiffError('INVALID_INPUT', "container's runAsUser breaks non-root policy")
    if (uid === undefined && isRoot(imageUser))
      throw new SkiffError('INVALID_INPUT', 'container has runAsNonRoot and image will run as root')
    if (uid === undefined && !/^\d+$/.test(imageUser))
      throw new SkiffError(
        'INVALID_INPUT',
        `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`,
      )
  }
  const user = userOf(uid, own.runAsGroup ?? podContext.runAsGroup, host.imageUser)
  const groups = [
    ...(podContext.supplementalGroups ?? []),
    ...(podContext.fsGroup === undefined ? [] : [podContext.fsGroup]),
  ]
  const privileged = own.privileged ?? false
  return {
    ...(user === undefined ? {} : { user }),
    ...(groups.length === 0 ? {} : { supplementalGroups: groups }),
    privileged,
    readOnlyRoot: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    securityOptions: privileged
      ? []
      : [
          ...seccomp(own.seccompProfile ?? podContext.seccompProfile, host.profileRoot),
          ...appArmor(own.appArmorProfile ?? podContext.appArmorProfile),
        ],
  }
}
