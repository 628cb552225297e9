import {
  booleanOption,
  numberOption,
  stringOption,
  type OptionSpec,
  type OptionsOf,
  type OptionTable,
} from '../../kube/options.ts'
import type { Profile } from './framework/schedule-pod.ts'
import { defaultProfile, readProfiles } from './profiles.ts'

const profilesOption: OptionSpec<readonly Profile[]> = {
  flag: 'profiles',
  config: 'profiles',
  default: [defaultProfile],
  parse: value => readProfiles(typeof value === 'string' ? (JSON.parse(value) as unknown) : value),
  help: 'which plugins run, by scheduler name; a list in the config file (JSON on the command line)',
}

export const options = {
  config: stringOption('config', { default: '', help: 'a KubeSchedulerConfiguration file (YAML)' }),
  kubeconfig: stringOption('kubeconfig', {
    config: 'clientConnection.kubeconfig',
    default: '',
    help: 'how to reach the API server',
  }),
  bindAddress: stringOption('bind-address', { default: '127.0.0.1', help: 'address of /healthz and /metrics' }),
  securePort: numberOption('secure-port', { default: 10259, help: 'port of /healthz and /metrics; 0 serves none' }),
  tlsCertFile: stringOption('tls-cert-file', { default: '', help: 'serve them over TLS with this certificate' }),
  tlsPrivateKeyFile: stringOption('tls-private-key-file', { default: '', help: 'the key that belongs to it' }),
  leaderElect: booleanOption('leader-elect', {
    config: 'leaderElection.leaderElect',
    default: false,
    help: 'elect a leader among several schedulers (not implemented: true is refused)',
  }),
  parallelism: numberOption('parallelism', {
    config: 'parallelism',
    default: 16,
    help: 'bindings under way at once',
  }),
  percentageOfNodesToScore: numberOption('percentage-of-nodes-to-score', {
    config: 'percentageOfNodesToScore',
    default: 100,
    help: 'every feasible node is scored: only 0 and 100 are taken',
  }),
  podInitialBackoffSeconds: numberOption('pod-initial-backoff-duration', {
    config: 'podInitialBackoffSeconds',
    default: 1,
    help: 'seconds before a pod that failed is tried again, doubled each time',
  }),
  podMaxBackoffSeconds: numberOption('pod-max-backoff-duration', {
    config: 'podMaxBackoffSeconds',
    default: 10,
    help: 'the longest of these waits, in seconds',
  }),
  profiles: profilesOption,
} satisfies OptionTable

export type SchedulerOptions = OptionsOf<typeof options>
