import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** kube-proxy's metrics, by upstream's names and labels. */
export const createMetrics = () => {
  const registry = new Registry()
  const registers = [registry]
  const buckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `kubeproxy_${name}`, help, buckets, registers, labelNames: ['ip_family'] as const })
  const gauge = (name: string, help: string) => new Gauge({ name: `kubeproxy_${name}`, help, registers })
  const counter = (name: string, help: string) => new Counter({ name: `kubeproxy_${name}`, help, registers })
  const perTable = (name: string, help: string) =>
    new Gauge({ name: `kubeproxy_${name}`, help, registers, labelNames: ['table'] as const })
  return {
    registry,
    sync: histogram('sync_proxy_rules_duration_seconds', 'Duration of a sync'),
    fullSync: histogram('sync_full_proxy_rules_duration_seconds', 'Duration of a sync that writes all rules'),
    partialSync: histogram('sync_partial_proxy_rules_duration_seconds', 'Duration of a sync that writes what changed'),
    programming: histogram('network_programming_duration_seconds', 'From the change of endpoints to its rules'),
    lastSync: gauge('sync_proxy_rules_last_timestamp_seconds', 'When rules were last in sync'),
    lastQueued: gauge('sync_proxy_rules_last_queued_timestamp_seconds', 'When a sync was last asked for'),
    endpointChanges: counter('sync_proxy_rules_endpoint_changes_total', 'Changes of EndpointSlices'),
    serviceChanges: counter('sync_proxy_rules_service_changes_total', 'Changes of Services'),
    servicesPending: gauge('sync_proxy_rules_service_changes_pending', 'Services that wait for a sync'),
    restoreFailures: counter('sync_proxy_rules_iptables_restore_failures_total', 'Syncs that failed'),
    partialFailures: counter(
      'sync_proxy_rules_iptables_partial_restore_failures_total',
      'Partial syncs that a full one made good',
    ),
    rules: perTable('sync_proxy_rules_iptables_total', 'Rules that kube-proxy keeps'),
    rulesWritten: perTable('sync_proxy_rules_iptables_last', 'Lines written by the last sync'),
    noLocalEndpoints: new Gauge({
      name: 'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
      help: 'Services whose Local traffic policy finds no endpoint on this node',
      registers,
      labelNames: ['traffic_policy'] as const,
    }),
  }
}

export type KubeProxyMetrics = ReturnType<typeof createMetrics>
