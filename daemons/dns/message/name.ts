/**
 * Names in text are absolute and end with a dot (`cluster.local.`); the root is `.`. Within a label, dots, backslashes
 * and bytes that are not printable ASCII are escaped as master files do it (RFC 1035, section 5.1).
 */

const isPlain = (byte: number): boolean => byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c

/** One label's bytes as text. */
export const labelText = (bytes: Buffer): string => {
  let plain = true
  for (const byte of bytes) if (!isPlain(byte)) plain = false
  if (plain) return bytes.toString('latin1')
  let text = ''
  for (const byte of bytes) {
    if (isPlain(byte)) text += String.fromCharCode(byte)
    else if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`
    else text += `\\${String(byte).padStart(3, '0')}`
  }
  return text
}

/** The labels of a name, still escaped; none for the root. */
export const labelsOf = (name: string): string[] => {
  if (!name.includes('\\')) return name.split('.').filter(label => label !== '')
  return name.match(/(?:\\\d{3}|\\.|[^.\\])+/g) ?? []
}

/** The bytes of one label. */
export const labelBytes = (label: string): Buffer =>
  label.includes('\\')
    ? Buffer.from(
        label.replace(/\\(\d{3}|.)/g, (_, code: string) =>
          code.length === 3 ? String.fromCharCode(Number(code)) : code,
        ),
        'latin1',
      )
    : Buffer.from(label, 'latin1')

/** Lower case, with the closing dot: `Example.ORG` is `example.org.`. */
export const normalName = (name: string): string => {
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower : `${lower}.`
}

/** Whether a normal name is `zone` or lies below it. */
export const isWithin = (name: string, zone: string): boolean =>
  zone === '.' || name === zone || (name.endsWith(zone) && name[name.length - zone.length - 1] === '.')

/** The longest of these zones that holds a normal name. */
export const closestZone = (zones: readonly string[], name: string): string | undefined => {
  let best: string | undefined
  for (const zone of zones) if (isWithin(name, zone) && (best === undefined || zone.length > best.length)) best = zone
  return best
}
