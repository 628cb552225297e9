import { get } from 'node:http'
import { messageOf } from '../../kube/errors.ts'

/** How a part of the control plane is: `error` says what is wrong, undefined that nothing is. */
export interface ComponentHealth {
  name: string
  error: string | undefined
}

/** Where the others serve their health, by upstream's ports. */
const components: Readonly<Record<string, string>> = {
  'controller-manager': 'http://127.0.0.1:10257/healthz',
  scheduler: 'http://127.0.0.1:10259/healthz',
}

/** Nobody who lists components waits longer for one that does not answer. */
const patienceMs = 2000

/** What is wrong with the daemon behind a health address; undefined: it answered that it is well. */
export const probe = (url: string, timeoutMs = patienceMs): Promise<string | undefined> =>
  new Promise(resolve => {
    const failed = (error: unknown): void => resolve(`Get ${JSON.stringify(url)}: ${messageOf(error)}`)
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, response => {
      response.resume()
      response.on('error', failed)
      response.on('end', () => {
        const { statusCode = 0 } = response
        resolve(statusCode === 200 ? undefined : `HTTP probe failed with statuscode: ${statusCode}`)
      })
    })
    request.on('error', failed)
  })

/** Asks all of them at once. `readStore` throws where the store cannot be read. */
export const componentHealth = async (readStore: () => Promise<void>): Promise<ComponentHealth[]> => {
  const store = readStore().then(() => undefined, messageOf)
  const others = Object.entries(components).map(async ([name, url]) => ({ name, error: await probe(url) }))
  return [...(await Promise.all(others)), { name: 'etcd-0', error: await store }]
}
