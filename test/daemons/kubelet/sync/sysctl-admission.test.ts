import t from 'tap'
import type { PodSpec } from 'kubernetes-types/core/v1.js'
import { sysctlRefusal } from '../../../../daemons/kubelet/sync/sysctl-admission.ts'

const cases: { name: string; sysctl: string; spec?: Partial<PodSpec>; allowed?: string[]; message?: string }[] = [
  { name: 'a safe one runs', sysctl: 'net.ipv4.ip_unprivileged_port_start' },
  { name: 'slashes are dots', sysctl: 'net/ipv4/tcp_rmem' },
  {
    name: 'an unsafe one is refused',
    sysctl: 'kernel.msgmax',
    message: 'forbidden sysctl: "kernel.msgmax" not allowlisted',
  },
  { name: 'an unsafe one that the node allows runs', sysctl: 'kernel.msgmax', allowed: ['kernel.msg*'] },
  {
    name: 'one of the network is refused on the network of the node',
    sysctl: 'net.ipv4.tcp_syncookies',
    spec: { hostNetwork: true },
    message: 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
  },
  {
    name: 'one of IPC is refused with the IPC of the node',
    sysctl: 'kernel.shm_rmid_forced',
    spec: { hostIPC: true },
    message: 'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host ipc enabled',
  },
]
for (const { name, sysctl, spec = {}, allowed = [], message } of cases)
  void t.test(name, async t => {
    const pod: PodSpec = { containers: [], securityContext: { sysctls: [{ name: sysctl, value: '1' }] }, ...spec }
    t.same(sysctlRefusal(pod, allowed), message === undefined ? undefined : { reason: 'SysctlForbidden', message })
  })
