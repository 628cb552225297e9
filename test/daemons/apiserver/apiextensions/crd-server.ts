import type { Test } from 'tap'
import type { CustomResourceDefinition } from '../../../../daemons/apiserver/apiextensions/definition.ts'
import { type Ask, type Reply, startTestServer } from '../http/test-server.ts'

export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** An API server, and what tests of custom resources do with it. */
export const startCrdServer = async (t: Test) => {
  const server = await startTestServer(t)
  const { ask } = server
  const nameOf = (crd: CustomResourceDefinition): string => crd.metadata?.name ?? ''
  /** Asks again until it is so: each question waits for its answer. */
  const until = async (path: string, holds: (reply: Reply) => boolean): Promise<Reply> => {
    for (;;) {
      const reply = await ask(path)
      if (holds(reply)) return reply
    }
  }
  const stored = async (crd: CustomResourceDefinition): Promise<CustomResourceDefinition> =>
    (await ask(`${definitionsPath}/${nameOf(crd)}`)).json as CustomResourceDefinition
  const condition = (crd: CustomResourceDefinition, type: string): string | undefined =>
    crd.status?.conditions?.find(one => one.type === type)?.status
  const untilCondition = async (
    crd: CustomResourceDefinition,
    type: string,
    status = 'True',
  ): Promise<CustomResourceDefinition> => {
    const path = `${definitionsPath}/${nameOf(crd)}`
    return (await until(path, ({ json }) => condition(json as CustomResourceDefinition, type) === status))
      .json as CustomResourceDefinition
  }
  /** Makes the definition and waits until it is established. */
  const define = async (crd: CustomResourceDefinition): Promise<CustomResourceDefinition> => {
    const { status, text } = await ask(definitionsPath, { method: 'POST', body: crd })
    if (status !== 201) throw new Error(text)
    return untilCondition(crd, 'Established')
  }
  const patch = (path: string, body: unknown, type = 'merge-patch+json', rest: Ask = {}): Promise<Reply> =>
    ask(path, { ...rest, method: 'PATCH', body, headers: { 'content-type': `application/${type}` } })
  return { ...server, define, stored, until, untilCondition, patch }
}

/** What a Status says, in short. */
export const messageOf = ({ json }: Reply): string => String(json['message'] ?? '')
