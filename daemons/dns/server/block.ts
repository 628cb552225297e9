import { corefileError, notImplementedAt, type Directive, type ServerBlock } from '../corefile/corefile.ts'
import type { HttpRoute, Observer, Plugin, Setup, SetupContext, Step } from '../plugins/plugin.ts'
import { otherPlugins, plugins } from '../plugins/plugins.ts'

/** A server block, set up: what the server runs. Nothing is started yet. */
export interface Block {
  zones: readonly string[]
  port: number
  /** Empty: the daemon's own addresses. */
  bind: readonly string[]
  steps: readonly Step[]
  observers: readonly Observer[]
  http: readonly HttpRoute[]
  /** Names of the plugins that are not ready. */
  notReady(): string[]
  reloadEveryMs: number | undefined
  lameduckMs: number
  start(signal: AbortSignal): void
}

/** The directives of a block in the chain's order; a name that is unknown, or not built, is an error with its line. */
const inChainOrder = (block: ServerBlock): { plugin: Plugin; directive: Directive }[] => {
  const known = new Map(plugins.map((plugin, order) => [plugin.name, { plugin, order }]))
  const found = block.directives.map(directive => {
    const entry = known.get(directive.name)
    if (entry !== undefined) return { ...entry, directive }
    if (otherPlugins.includes(directive.name)) throw notImplementedAt(directive, `plugin ${directive.name}`)
    throw corefileError(
      { file: directive.file, line: directive.line },
      `there is no plugin ${JSON.stringify(directive.name)}`,
    )
  })
  for (const { plugin, directive } of found) {
    const first = found.find(other => other.plugin === plugin)
    // forward may stand several times, each for zones of its own; so may hosts and kubernetes.
    if (first?.directive !== directive && !['forward', 'hosts', 'kubernetes', 'log', 'bind'].includes(plugin.name))
      throw corefileError(directive, `stands in this block already, at line ${first?.directive.line}`)
  }
  return found.toSorted((a, b) => a.order - b.order)
}

/** Addresses that the `bind` directives of a block name, before anything else is set up. */
export const bindOf = (block: ServerBlock, context: SetupContext): string[] =>
  block.directives
    .filter(directive => directive.name === 'bind')
    .flatMap(directive => plugins.find(plugin => plugin.name === 'bind')?.setup(directive, context).bind ?? [])

/** Sets up one port of a server block. Throws INVALID_INPUT or NOT_IMPLEMENTED with file and line. */
export const setUpBlock = (block: ServerBlock, context: SetupContext): Block => {
  const setups: { name: string; setup: Setup }[] = inChainOrder(block).map(({ plugin, directive }) => ({
    name: plugin.name,
    setup: plugin.setup(directive, context),
  }))
  const all = setups.map(({ setup }) => setup)
  return {
    zones: context.zones,
    port: context.port,
    bind: all.flatMap(setup => setup.bind ?? []),
    steps: all.flatMap(setup => setup.step ?? []),
    observers: all.flatMap(setup => setup.observer ?? []),
    http: all.flatMap(setup => setup.http ?? []),
    notReady: () => setups.filter(({ setup }) => setup.ready?.() === false).map(({ name }) => name),
    reloadEveryMs: all.find(setup => setup.reloadEveryMs !== undefined)?.reloadEveryMs,
    lameduckMs: Math.max(0, ...all.map(setup => setup.lameduckMs ?? 0)),
    start: signal => {
      for (const setup of all) setup.start?.(signal)
    },
  }
}
