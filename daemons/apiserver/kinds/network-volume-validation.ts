import type { Volume } from 'kubernetes-types/core/v1.js'
import { validateCsiDriverName } from './csi-driver-name.ts'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123SubdomainErrors } from './name-syntax.ts'

type Sources = Draft<Volume>

const initiatorForms = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
} as const

const requireEach = (source: object, fields: readonly string[], path: string): FieldError[] =>
  fields.filter(field => !isThere(source[field as keyof typeof source])).map(field => required(`${path}.${field}`))

const isThere = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== ''

const validateCsi = (csi: NonNullable<Sources['csi']>, path: string): FieldError[] => {
  const errors = validateCsiDriverName(csi.driver, `${path}.driver`)
  const secret = csi.nodePublishSecretRef
  if (!secret) return errors
  // The blank in the first path, and the second path, are upstream's own.
  if (!secret.name) errors.push(required(`${path}.nodePublishSecretRef .name`))
  else errors.push(...invalidEach(`${path}.name`, secret.name, dns1123SubdomainErrors(secret.name)))
  return errors
}

const validateInitiator = (name: string, path: string): FieldError[] => {
  const form = (['iqn', 'eui', 'naa'] as const).find(prefix => name.startsWith(prefix))
  if (form === undefined) return [invalid(path, name, 'must be valid format starting with iqn, eui, or naa')]
  return initiatorForms[form].test(name) ? [] : [invalid(path, name, 'must be valid format')]
}

const validateUnit = (lun: number, path: string): FieldError[] =>
  lun < 0 || lun > 255 ? [invalid(path, lun, 'must be between 0 and 255, inclusive')] : []

const validateIscsi = (iscsi: NonNullable<Sources['iscsi']>, path: string): FieldError[] => {
  const errors = requireEach(iscsi, ['targetPortal', 'iqn'], path)
  if (iscsi.iqn) errors.push(...validateInitiator(iscsi.iqn, `${path}.iqn`))
  errors.push(...validateUnit(iscsi.lun ?? 0, `${path}.lun`))
  if ((iscsi.chapAuthDiscovery === true || iscsi.chapAuthSession === true) && !iscsi.secretRef)
    errors.push(required(`${path}.secretRef`))
  if (iscsi.initiatorName !== undefined) errors.push(...validateInitiator(iscsi.initiatorName, `${path}.initiatorname`))
  return errors
}

const validateFibreChannel = (fc: NonNullable<Sources['fc']>, path: string): FieldError[] => {
  const { targetWWNs = [], wwids = [], lun } = fc
  const errors: FieldError[] = []
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both'))
  if (targetWWNs.length === 0) return errors
  if (wwids.length > 0)
    errors.push(invalid(`${path}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'))
  if (lun === undefined) errors.push(required(`${path}.lun`, 'lun is required if targetWWNs is specified'))
  else errors.push(...validateUnit(lun, `${path}.lun`))
  return errors
}

const validateFlex = (flex: NonNullable<Sources['flexVolume']>, path: string): FieldError[] => {
  const errors = requireEach(flex, ['driver'], path)
  for (const key of Object.keys(flex.options ?? {}))
    if (/\.(kubernetes|k8s)\.io$/i.test(`.${key.includes('/') ? key.split('/')[0] : key}`))
      errors.push(invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))
  return errors
}

/** Sources of which upstream only asks that some fields are there. */
const requiredFields = {
  awsElasticBlockStore: ['volumeID'],
  azureFile: ['secretName', 'shareName'],
  cephfs: ['monitors'],
  cinder: ['volumeID'],
  glusterfs: ['endpoints', 'path'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  rbd: ['monitors', 'image'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  vsphereVolume: ['volumePath'],
} as const

const tables = Object.entries(requiredFields) as [keyof typeof requiredFields, readonly string[]][]

/** Volumes that come from elsewhere: CSI, storage networks, and the drivers from before CSI. */
export const validateNetworkSources = (volume: Sources, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const { csi, fc, flexVolume, gitRepo, iscsi } = volume
  if (csi) errors.push(...validateCsi(csi, `${path}.csi`))
  if (iscsi) errors.push(...validateIscsi(iscsi, `${path}.iscsi`))
  if (fc) errors.push(...validateFibreChannel(fc, `${path}.fc`))
  if (flexVolume) errors.push(...validateFlex(flexVolume, `${path}.flexVolume`))
  if (gitRepo) errors.push(...requireEach(gitRepo, ['repository'], `${path}.gitRepo`))
  for (const [name, fields] of tables) {
    const source = volume[name]
    if (source) errors.push(...requireEach(source, fields, `${path}.${name}`))
  }
  return errors
}
