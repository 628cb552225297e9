import { isIPv6 } from 'node:net'
import { runOk, type Exec } from '../../host/exec.ts'
import type { MasqueradeOwner } from './bridge-ports.ts'
import { masqueradeChain, masqueradeText, unmasqueradeText } from './masquerade-rules.ts'

const toolFor = (address: string): string => (isIPv6(address.split('/')[0] ?? '') ? 'ip6tables' : 'iptables')

export const addMasquerade = async (exec: Exec, owner: MasqueradeOwner, address: string): Promise<void> => {
  await runOk(exec, `${toolFor(address)}-restore`, ['--noflush', '--wait', '5'], {
    stdin: masqueradeText(owner, address),
  })
}

/** Both families: DEL may come without knowing which addresses there were. */
export const removeMasquerade = async (exec: Exec, owner: MasqueradeOwner): Promise<void> => {
  for (const tool of ['iptables', 'ip6tables']) {
    const there = await exec.run(tool, ['-w', '5', '-t', 'nat', '-S', masqueradeChain(owner)])
    if (there.exitCode !== 0) continue
    const postrouting = await runOk(exec, tool, ['-w', '5', '-t', 'nat', '-S', 'POSTROUTING'])
    await runOk(exec, `${tool}-restore`, ['--noflush', '--wait', '5'], { stdin: unmasqueradeText(owner, postrouting) })
  }
}
