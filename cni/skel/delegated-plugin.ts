import type { Exec } from '../../host/exec.ts'
import { CniError, cniCodes } from '../cni-error.ts'
import { parseResult } from '../result.ts'
import { isRecord } from './config-reader.ts'
import type { Invocation } from './invocation.ts'
import type { Plugin } from './run-plugin.ts'

export interface DelegatePorts {
  exec: Exec
  isExecutable(path: string): boolean
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const run = async (type: string, call: Invocation, ports: DelegatePorts): Promise<unknown> => {
  if (!/^[\w.-]+$/.test(type))
    throw new CniError(cniCodes.invalidConfig, `ipam.type: ${JSON.stringify(type)} is no plugin name`)
  const file = call.path.map(directory => `${directory}/${type}`).find(ports.isExecutable)
  if (file === undefined)
    throw new CniError(cniCodes.invalidConfig, `the plugin ${type} is not in ${call.path.join(':') || 'CNI_PATH'}`)
  const { exitCode, stdout, stderr } = await ports.exec.run(file, [], {
    stdin: call.stdin,
    env: { CNI_COMMAND: call.command },
  })
  const said = parseJson(stdout)
  if (exitCode === 0) return said
  if (isRecord(said) && typeof said['msg'] === 'string')
    throw new CniError(
      typeof said['code'] === 'number' ? said['code'] : cniCodes.failed,
      `${type}: ${said['msg']}`,
      typeof said['details'] === 'string' ? { details: said['details'] } : {},
    )
  throw new CniError(cniCodes.failed, `${type}: exit code ${exitCode}: ${stderr.trim().slice(0, 1000)}`)
}

/** A plugin that is another program, run with the same environment and configuration (specification, section 4). */
export const delegatedPlugin = (type: string, ports: DelegatePorts): Plugin => ({
  add: async call => parseResult(await run(type, { ...call, command: 'ADD' }, ports)),
  // Also called to take back an ADD that failed later on.
  del: async call => void (await run(type, { ...call, command: 'DEL' }, ports)),
  check: async call => void (await run(type, call, ports)),
})
