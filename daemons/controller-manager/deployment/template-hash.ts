import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'

export const hashLabel = 'pod-template-hash'

/** Upstream's alphabet for generated names: no vowels and no look-alikes, so that no words come out. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** JSON with sorted keys: the same template gives the same text whatever the order it was written in. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, child]) => child !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, child]) => `${JSON.stringify(key)}:${canonicalJson(child)}`).join(',')}}`
}

const fnv1a = (bytes: Buffer): number => {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

/**
 * The value of the pod-template-hash label: 32 bits of FNV-1a in decimal, each digit written as a letter of the
 * alphabet. `collisionCount` gives another value when the name it makes is taken.
 */
export const templateHash = (template: PodTemplateSpec, collisionCount = 0): string => {
  const text = canonicalJson(template) + (collisionCount === 0 ? '' : `#${collisionCount}`)
  const digits = String(fnv1a(Buffer.from(text)))
  return digits.replaceAll(/\d/g, digit => alphabet[digit.charCodeAt(0) % alphabet.length] ?? '')
}

const withoutHash = (template: PodTemplateSpec | undefined): unknown => {
  const { labels, ...metadata } = template?.metadata ?? {}
  const kept = Object.entries(labels ?? {}).filter(([key]) => key !== hashLabel)
  const cleaned = { ...metadata, ...(kept.length === 0 ? {} : { labels: Object.fromEntries(kept) }) }
  return { ...(Object.keys(cleaned).length === 0 ? {} : { metadata: cleaned }), spec: template?.spec }
}

/** The same pods, whatever hash they are labelled with (`creationTimestamp: null` is how some clients write no time). */
export const equalTemplates = (a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean =>
  isDeepStrictEqual(strip(withoutHash(a)), strip(withoutHash(b)))

const strip = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, v: unknown) => (v === null ? undefined : v))
