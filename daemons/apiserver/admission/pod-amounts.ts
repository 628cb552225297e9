import { formatQuantity, parseQuantity, type Quantity } from '../../../kube/quantity.ts'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { Draft } from '../kinds/draft.ts'

/** Amounts by the name of the resource. */
export type Amounts = Readonly<Record<string, Quantity>>

type Spec = NonNullable<Draft<Pod>['spec']>
type Which = 'requests' | 'limits'

export const parseAmounts = (texts: object | undefined): Amounts =>
  Object.fromEntries(Object.entries(texts ?? {}).map(([name, text]) => [name, parseQuantity(String(text))]))

export const amountTexts = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, quantity]) => [name, formatQuantity(quantity)]))

const combine = (a: Amounts, b: Amounts, pick: (x: bigint, y: bigint) => bigint): Amounts => {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return Object.fromEntries(
    names.map(name => {
      const nano = pick(a[name]?.nano ?? 0n, b[name]?.nano ?? 0n)
      return [name, { nano, format: a[name]?.format ?? b[name]?.format ?? 'DecimalSI' }]
    }),
  )
}

export const addAmounts = (a: Amounts, b: Amounts): Amounts => combine(a, b, (x, y) => x + y)
export const subtractAmounts = (a: Amounts, b: Amounts): Amounts => combine(a, b, (x, y) => x - y)
const larger = (a: Amounts, b: Amounts): Amounts => combine(a, b, (x, y) => (x > y ? x : y))

/**
 * What a pod needs at once: its containers and sidecars together, or at an earlier moment an init container beside the
 * sidecars started before it, whichever is more; and its overhead. (Upstream: component-helpers' PodRequests, PodLimits.)
 */
export const podAmounts = (spec: Spec | undefined, which: Which, { overhead = true } = {}): Amounts => {
  let running: Amounts = {}
  for (const container of spec?.containers ?? [])
    running = addAmounts(running, parseAmounts(container.resources?.[which]))
  let sidecars: Amounts = {}
  let peak: Amounts = {}
  for (const container of spec?.initContainers ?? []) {
    const own = parseAmounts(container.resources?.[which])
    if (container.restartPolicy === 'Always') {
      running = addAmounts(running, own)
      sidecars = addAmounts(sidecars, own)
      peak = larger(peak, sidecars)
    } else peak = larger(peak, addAmounts(own, sidecars))
  }
  const most = larger(running, peak)
  if (!overhead || spec?.overhead === undefined) return most
  const extra = Object.entries(parseAmounts(spec.overhead)).filter(([name]) => which === 'requests' || name in most)
  return addAmounts(most, Object.fromEntries(extra))
}
