import type { Container, Pod } from 'kubernetes-types/core/v1.js'
import { parseQuantity, type Quantity } from '../../../kube/quantity.ts'

/** Amounts by resource. */
export type Amounts = Map<string, Quantity>

/** The sum keeps the spelling of what it began with. */
export const add = (into: Amounts, name: string, amount: Quantity): void => {
  const known = into.get(name)
  into.set(name, known === undefined || known.nano === 0n ? amount : { ...known, nano: known.nano + amount.nano })
}

const addAll = (into: Amounts, more: Amounts): void => {
  for (const [name, amount] of more) add(into, name, amount)
}

const raise = (into: Amounts, others: Amounts): void => {
  for (const [name, amount] of others) if ((into.get(name)?.nano ?? -1n) < amount.nano) into.set(name, amount)
}

const parse = (list: Readonly<Record<string, string>> | undefined): Amounts =>
  new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]))

/**
 * What a pod needs at most at one time: all its containers and sidecars together, or one container that initializes it
 * beside the sidecars started before it; and its overhead.
 */
const effective = (pod: Pod, of: (container: Container) => Readonly<Record<string, string>> | undefined): Amounts => {
  const running: Amounts = new Map()
  const peak: Amounts = new Map()
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      addAll(running, parse(of(container)))
      continue
    }
    const starting: Amounts = new Map(running)
    addAll(starting, parse(of(container)))
    raise(peak, starting)
  }
  for (const container of pod.spec?.containers ?? []) addAll(running, parse(of(container)))
  raise(running, peak)
  return running
}

/** The amounts a quota may bound, by the names it gives them. */
export const podUsage = (pod: Pod): Amounts => {
  const requests = effective(pod, container => container.resources?.requests)
  const limits = effective(pod, container => container.resources?.limits)
  addAll(requests, parse(pod.spec?.overhead))
  for (const [name, amount] of parse(pod.spec?.overhead)) if (limits.has(name)) add(limits, name, amount)
  const usage: Amounts = new Map()
  for (const [name, amount] of requests) {
    usage.set(`requests.${name}`, amount)
    // The plain name means what is asked for; of devices only the long name can be bounded.
    if (!name.includes('/')) usage.set(name, amount)
  }
  for (const [name, amount] of limits) usage.set(`limits.${name}`, amount)
  return usage
}
