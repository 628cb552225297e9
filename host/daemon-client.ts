import type { KubeClient } from '../kube/client/client.ts'
import type { SkiffError } from '../kube/errors.ts'
import type { DaemonContext } from './daemon.ts'

export interface DaemonClient {
  client: KubeClient
  /** Ends the connection that was opened here; a client that the starter gave is the starter's to close. */
  close(): void
}

export interface OwnClient {
  kubeconfig: string
  userAgent?: string
  /** What is thrown where there is neither a client nor a kubeconfig: it names the daemon's own flag. */
  missing(): SkiffError
}

/** A client by a kubeconfig. HTTP is loaded only here: a daemon that shares its process with the API needs none. */
export const openClient = async (kubeconfig: string, userAgent?: string): Promise<DaemonClient> => {
  const [{ createHttpClient }, { readKubeconfig }] = await Promise.all([
    import('../kube/client/http-client.ts'),
    import('../kube/client/kubeconfig.ts'),
  ])
  const client = createHttpClient(readKubeconfig(kubeconfig), userAgent === undefined ? {} : { userAgent })
  return { client, close: () => client.close() }
}

/** A client that is the starter's: it is not ours to close. */
export const givenClient = (client: KubeClient): DaemonClient => ({ client, close: () => {} })

/** The API client that the daemon was given, else one of its own by its kubeconfig. */
export const daemonClient = async (context: Pick<DaemonContext, 'client'>, own: OwnClient): Promise<DaemonClient> => {
  if (context.client !== undefined) return givenClient(context.client)
  if (own.kubeconfig === '') throw own.missing()
  return openClient(own.kubeconfig, own.userAgent)
}
