import { runOk, type Exec } from '../../../host/exec.ts'
import { planNodeRules, type CurrentRules, type NodeRulesInput } from './node-rules.ts'

const readChain = async (
  exec: Exec,
  table: string,
  chain: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const result = await exec.run('iptables', ['-w', '5', '-t', table, '-S', chain], { signal })
  return result.exitCode === 0 ? result.stdout : undefined
}

/** Reads four chains (never the whole table: a cluster's is large) and restores what is not as it should be. */
export const applyNodeRules = async (exec: Exec, input: NodeRulesInput, signal: AbortSignal): Promise<boolean> => {
  const read = (table: string, chain: string) => readChain(exec, table, chain, signal)
  const [forward, skiffForward, postrouting, skiffPostrouting] = await Promise.all([
    read('filter', 'FORWARD'),
    read('filter', 'SKIFF-FORWARD'),
    read('nat', 'POSTROUTING'),
    read('nat', 'SKIFF-POSTROUTING'),
  ])
  const current: CurrentRules = {
    forward: forward ?? '',
    skiffForward,
    postrouting: postrouting ?? '',
    skiffPostrouting,
  }
  const text = planNodeRules(input, current)
  if (text === '') return false
  await runOk(exec, 'iptables-restore', ['--noflush', '--wait', '5'], { stdin: text, signal })
  return true
}
