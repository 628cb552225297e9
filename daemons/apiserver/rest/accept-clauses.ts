/** One range of an Accept header. */
export interface Clause {
  type: string
  subtype: string
  q: number
  parameters: ReadonlyMap<string, string>
}

const parseClause = (text: string): Clause | undefined => {
  const [range = '', ...words] = text.split(';').map(word => word.trim())
  const [type = '', subtype = type === '*' ? '*' : undefined, more] = range.toLowerCase().split('/')
  if (subtype === undefined || more !== undefined) return undefined
  const parameters = new Map(words.map(word => word.split('=', 2).map(part => part.trim()) as [string, string]))
  const q = Number.parseFloat(parameters.get('q') ?? '1')
  parameters.delete('q')
  return { type, subtype, q: Number.isNaN(q) ? 1 : q, parameters }
}

const stars = ({ type, subtype }: Clause): number => (type === '*' ? 2 : 0) + (subtype === '*' ? 1 : 0)

/** The ranges, the wanted ones first: by quality, then named before `*`, then as the client wrote them. */
export const acceptClauses = (accept: string): Clause[] =>
  accept
    .split(',')
    .flatMap(text => parseClause(text) ?? [])
    .sort((a, b) => b.q - a.q || stars(a) - stars(b))

/** `text/*` of another type than application matches nothing that is served. */
export const clauseMatches = ({ type, subtype }: Clause, contentType: string): boolean =>
  type === '*' ? subtype === '*' : `${type}/${subtype}` === contentType || (type === 'application' && subtype === '*')
