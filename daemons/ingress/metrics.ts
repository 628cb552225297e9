import { Counter, Gauge, Registry } from 'prom-client'

/** The ingress daemon's metrics, by ingress-nginx's names where it has them. */
export const createMetrics = () => {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name: `nginx_ingress_controller_${name}`, help, registers })
  return {
    registry,
    reloads: new Counter({
      name: 'nginx_ingress_controller_success',
      help: 'Configurations put in force since the start',
      registers,
    }),
    lastReloadSuccessful: gauge('config_last_reload_successful', 'Whether nginx took the last configuration'),
    lastReloadAt: gauge('config_last_reload_successful_timestamp_seconds', 'When nginx last took a configuration'),
  }
}

export type IngressMetrics = ReturnType<typeof createMetrics>
