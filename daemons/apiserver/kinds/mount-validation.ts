import type { Container, Volume, VolumeDevice, VolumeMount } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { forbidden, invalid, notFound, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateLocalPath } from './local-path.ts'

type Row = Draft<Container>

/** The pod's volumes by name. */
export type Volumes = ReadonlyMap<string, Draft<Volume>>

/** An image mounted as a volume; the types that are at hand do not know it yet. */
const isImage = (volume: object | undefined): boolean => volume !== undefined && 'image' in volume

const propagations = ['Bidirectional', 'HostToContainer', 'None']
const readOnlyModes = ['Disabled', 'Enabled', 'IfPossible']

/** Upstream names the list here, not the mount. */
const validatePropagation = (mount: Draft<VolumeMount>, container: Row, path: string): FieldError[] => {
  const mode = mount.mountPropagation
  if (mode === undefined) return []
  if (!propagations.includes(mode)) return [notSupported(path, mode, propagations)]
  return mode === 'Bidirectional' && container.securityContext?.privileged !== true
    ? [forbidden(path, 'Bidirectional mount propagation is available only to privileged containers')]
    : []
}

const validateRecursive = (mount: Draft<VolumeMount>, path: string): FieldError[] => {
  const mode = mount.recursiveReadOnly
  if (mode === undefined || mode === 'Disabled') return []
  if (!readOnlyModes.includes(mode)) return [notSupported(path, mode, readOnlyModes)]
  const errors: FieldError[] = []
  if (mount.readOnly !== true) errors.push(forbidden(path, 'may only be specified when readOnly is true'))
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None')
    errors.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'))
  return errors
}

const validateSubPaths = (
  mount: Draft<VolumeMount>,
  { path, at, ofImage }: { path: string; at: string; ofImage: boolean },
): FieldError[] => {
  const errors: FieldError[] = []
  const { subPath, subPathExpr } = mount
  for (const field of ['subPath', 'subPathExpr'] as const)
    if (ofImage && mount[field])
      errors.push(invalid(`${at}.${field}`, mount[field], 'not allowed in image volume sources'))
  if (subPath) errors.push(...validateLocalPath(subPath, `${path}.subPath`))
  if (subPathExpr) {
    if (subPath)
      errors.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
    errors.push(...validateLocalPath(subPathExpr, `${path}.subPathExpr`))
  }
  return errors
}

export const validateMounts = (container: Row, path: string, volumes: Volumes): FieldError[] => {
  const errors: FieldError[] = []
  const paths = new Set<string>()
  const devices = container.volumeDevices ?? []
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${i}]`
    const { name = '', mountPath = '' } = mount
    if (name === '') errors.push(required(`${at}.name`))
    if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name))
    if (mountPath === '') errors.push(required(`${at}.mountPath`))
    if (paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'))
    paths.add(mountPath)
    if (devices.some(device => device.name === name))
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeDevices'))
    if (devices.some(device => device.devicePath === mountPath))
      errors.push(invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
    errors.push(...validateSubPaths(mount, { path, at, ofImage: isImage(volumes.get(name)) }))
    errors.push(...validatePropagation(mount, container, `${path}.mountPropagation`))
    errors.push(...validateRecursive(mount, `${path}.recursiveReadOnly`))
  }
  return errors
}

const validateDeviceName = (name: string, path: string, volumes: Volumes): FieldError[] => {
  const volume = volumes.get(name)
  const errors: FieldError[] = []
  if (name === '') errors.push(required(path))
  if (volume === undefined) errors.push(notFound(path, name))
  else if (!volume.persistentVolumeClaim && !volume.ephemeral)
    errors.push(
      invalid(path, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'),
    )
  return errors
}

/** Raw block devices. */
export const validateDevices = (container: Row, path: string, volumes: Volumes): FieldError[] => {
  const errors: FieldError[] = []
  const taken: Draft<VolumeDevice>[] = []
  const mounts = container.volumeMounts ?? []
  for (const [i, device] of (container.volumeDevices ?? []).entries()) {
    const at = `${path}[${i}]`
    const { name = '', devicePath = '' } = device
    if (name !== '' && taken.some(other => other.name === name))
      errors.push(invalid(`${at}.name`, name, 'must be unique'))
    errors.push(...validateDeviceName(name, `${at}.name`, volumes))
    if (devicePath === '') errors.push(required(`${at}.devicePath`))
    if (taken.some(other => other.devicePath === devicePath))
      errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'))
    if (devicePath.split('/').includes('..'))
      errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    if (mounts.some(mount => mount.name === name))
      errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'))
    if (mounts.some(mount => mount.mountPath === devicePath))
      errors.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'))
    taken.push(device)
  }
  return errors
}
