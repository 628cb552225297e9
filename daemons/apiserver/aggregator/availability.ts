import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../kube/object.ts'
import type { AdmissionReader } from '../admission/plugin.ts'
import { type Draft, draftOf } from '../kinds/draft.ts'
import type { RemoteApi } from './api-service.ts'
import type { RemoteConnections } from './remote-connections.ts'

/** Whether an aggregated API can be asked, and upstream's words for why not. */
export interface Availability {
  status: 'True' | 'False'
  reason: string
  message: string
}

const no = (reason: string, message: string): Availability => ({ status: 'False', reason, message })

const attempts = 5

export const slicesOf = (reader: AdmissionReader, namespace: string, service: string): Draft<EndpointSlice>[] =>
  reader
    .list('discovery.k8s.io', 'endpointslices', namespace)
    .filter((slice: UnknownObject) => slice.metadata?.labels?.['kubernetes.io/service-name'] === service)
    .map(slice => draftOf<EndpointSlice>(slice))

const isServed = ({ endpoints = [], ports = [] }: Draft<EndpointSlice>, portName: string): boolean =>
  endpoints.some(({ conditions }) => conditions?.ready !== false) &&
  ports.some(({ name = '', port }) => name === portName && port !== undefined)

/** What the API's own objects say of its Service; undefined: nothing against it. */
const serviceProblem = ({ service }: RemoteApi, reader: AdmissionReader): Availability | undefined => {
  const { namespace, name, port } = service
  const where = `service/${name} in ${JSON.stringify(namespace)}`
  const found = reader.get('', 'services', namespace, name)
  if (found === undefined) return no('ServiceNotFound', `${where} is not present`)
  const { type = 'ClusterIP', ports = [] } = draftOf<Service>(found).spec ?? {}
  if (type !== 'ClusterIP') return undefined
  const listening = ports.find(candidate => candidate.port === port)
  if (listening === undefined) return no('ServicePortError', `${where} is not listening on port ${port}`)
  const slices = slicesOf(reader, namespace, name)
  if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${where}`)
  const portName = listening.name ?? ''
  if (!slices.some(slice => isServed(slice, portName)))
    return no(
      'MissingEndpoints',
      `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`,
    )
  return undefined
}

/** The path every aggregated server must answer: discovery of the group version. */
export const discoveryPath = ({ group, version }: { group: string; version: string }): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`

const ask = async (api: RemoteApi, connections: RemoteConnections): Promise<void> => {
  const path = discoveryPath(api)
  const url = `https://${connections.backend(api).name}${path}`
  try {
    // Who answers need not be who they say: no secret is told, and nothing is believed but that somebody answers.
    const { status } = await connections.ask({ ...api, name: `${api.name}#check`, ca: '', insecure: true }, path)
    if (status < 200 || status >= 300) throw new Error(`bad status from ${url}: ${status}`)
  } catch (error) {
    throw new Error(`failing or missing response from ${url}: ${shown(error as Error, url)}`, { cause: error })
  }
}

/** As Go's client has it, which names the request again. */
const shown = ({ message }: Error, url: string): string =>
  message.startsWith('bad status') ? message : `Get ${JSON.stringify(url)}: ${message}`

/** One success of five attempts at once is enough. */
export const checkAvailability = async (
  api: RemoteApi,
  reader: AdmissionReader,
  connections: RemoteConnections,
): Promise<Availability> => {
  const problem = serviceProblem(api, reader)
  if (problem !== undefined) return problem
  try {
    await Promise.any(Array.from({ length: attempts }, () => ask(api, connections)))
  } catch (error) {
    const { errors } = error as AggregateError
    return no('FailedDiscoveryCheck', (errors.at(-1) as Error).message)
  }
  return { status: 'True', reason: 'Passed', message: 'all checks passed' }
}
