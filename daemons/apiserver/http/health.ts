export interface HealthReply {
  status: number
  text: string
}

/** A part of the server that must work; the text says why it does not. */
export type HealthCheck = () => string | undefined

/**
 * `/healthz`, `/livez`, `/readyz`, each also with `?verbose` and `/<check>` behind it, in upstream's form; undefined
 * where there is no such check.
 */
export const answerHealth = (
  path: string,
  query: URLSearchParams,
  checks: Readonly<Record<string, HealthCheck>>,
): HealthReply | undefined => {
  const [, endpoint = '', ...rest] = path.split('/')
  const name = rest.join('/')
  if (name !== '') {
    const check = checks[name]
    if (check === undefined) return undefined
    const problem = check()
    return problem === undefined
      ? { status: 200, text: 'ok' }
      : { status: 500, text: `internal server error: ${problem}` }
  }
  const excluded = new Set(query.getAll('exclude'))
  const results = Object.entries(checks)
    .filter(([check]) => !excluded.has(check))
    // Being alive is no matter of having finished the start or of shutting down.
    .filter(([check]) => endpoint === 'readyz' || (check !== 'shutdown' && !check.startsWith('poststarthook/')))
    .map(([check, run]) => ({ check, problem: run() }))
  const failed = results.some(({ problem }) => problem !== undefined)
  if (!failed && !query.has('verbose')) return { status: 200, text: 'ok' }
  const lines = results.map(({ check, problem }) =>
    problem === undefined ? `[+]${check} ok` : `[-]${check} failed: ${problem}`,
  )
  return {
    status: failed ? 500 : 200,
    text: `${lines.join('\n')}\n${endpoint} check ${failed ? 'failed' : 'passed'}\n`,
  }
}
