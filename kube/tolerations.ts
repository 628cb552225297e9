import type { Taint, Toleration } from 'kubernetes-types/core/v1.js'

/** Does this toleration cover the taint? (core/v1 Toleration: an empty key with Exists covers all, an empty effect every effect.) */
export const tolerates = (toleration: Toleration, taint: Pick<Taint, 'key' | 'value' | 'effect'>): boolean => {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false
  const key = toleration.key ?? ''
  if (key !== '' && key !== taint.key) return false
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return key !== '' && (toleration.value ?? '') === (taint.value ?? '')
    case 'Exists':
      return true
    default:
      return false
  }
}

export const tolerated = (
  tolerations: readonly Toleration[] | undefined,
  taint: Pick<Taint, 'key' | 'value' | 'effect'>,
): boolean => (tolerations ?? []).some(toleration => tolerates(toleration, taint))
