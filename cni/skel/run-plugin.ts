import { messageOf, SkiffError } from '../../kube/errors.ts'
import { CniError, cniCodes } from '../cni-error.ts'
import { convertResult, parseVersion, supportedVersions, type CniResult } from '../result.ts'
import { isRecord } from './config-reader.ts'
import { parseCommand, parseInvocation, type Invocation } from './invocation.ts'

/** A plugin: three verbs. Each throws CniError or SkiffError. */
export interface Plugin {
  add(call: Invocation): Promise<CniResult>
  /** Succeeds when there is nothing left to remove. */
  del(call: Invocation): Promise<void>
  check(call: Invocation): Promise<void>
}

/** The edges of the process, so that tests run a plugin without one. */
export interface PluginProcess {
  env: Readonly<Record<string, string | undefined>>
  readStdin(): string
  writeStdout(text: string): void
}

const skiffCodes: Partial<Record<SkiffError['code'], number>> = {
  INVALID_INPUT: cniCodes.invalidConfig,
  NOT_IMPLEMENTED: cniCodes.unsupportedField,
  TIMEOUT: cniCodes.tryAgainLater,
  UNAVAILABLE: cniCodes.io,
  CORRUPT: cniCodes.io,
}

/** The JSON a runtime reads when a plugin fails. */
export const errorJson = (error: unknown, cniVersion: string): Record<string, unknown> => {
  const code =
    error instanceof CniError
      ? error.code
      : error instanceof SkiffError
        ? (skiffCodes[error.code] ?? cniCodes.failed)
        : cniCodes.failed
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : ''
  const details = (error instanceof CniError ? error.details : undefined) ?? cause
  return { cniVersion, code, msg: messageOf(error), ...(details === '' ? {} : { details }) }
}

/** The version to answer an error in: the configuration's where it can be read, else our newest. */
const versionFor = (stdin: string): string => {
  try {
    const config: unknown = JSON.parse(stdin)
    return parseVersion(isRecord(config) ? config['cniVersion'] : undefined)
  } catch {
    return '1.0.0'
  }
}

const answer = async (plugin: Plugin, edges: PluginProcess, stdin: string): Promise<unknown> => {
  const command = parseCommand(edges.env)
  if (command === 'VERSION') return { cniVersion: '1.0.0', supportedVersions }
  const call = parseInvocation(command, edges.env, stdin)
  if (command === 'ADD') return convertResult(await plugin.add(call), call.cniVersion)
  await (command === 'DEL' ? plugin.del(call) : plugin.check(call))
  return undefined
}

/** Runs one call and writes its answer; resolves with the exit code, 0 or 1. */
export const runPlugin = async (plugin: Plugin, edges: PluginProcess): Promise<number> => {
  let stdin = ''
  try {
    stdin = edges.readStdin()
    const result = await answer(plugin, edges, stdin)
    if (result !== undefined) edges.writeStdout(`${JSON.stringify(result, undefined, 2)}\n`)
    return 0
  } catch (error) {
    edges.writeStdout(`${JSON.stringify(errorJson(error, versionFor(stdin)), undefined, 2)}\n`)
    return 1
  }
}
