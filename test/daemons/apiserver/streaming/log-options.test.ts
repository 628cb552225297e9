import t from 'tap'
import { kubeletLogQuery, logOptionsOf } from '../../../../daemons/apiserver/streaming/log-options.ts'

const refusals: { query: string; code: number; message: string }[] = [
  { query: 'tailLines=-1', code: 422, message: 'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0' },
  { query: 'limitBytes=0', code: 422, message: 'PodLogOptions "web" is invalid: limitBytes: Invalid value: 0: must be greater than 0' },
  { query: 'sinceSeconds=0', code: 422, message: 'PodLogOptions "web" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0' },
  { query: 'sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z', code: 422, message: 'PodLogOptions "web" is invalid: : Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified' },
  { query: 'stream=Stdout', code: 422, message: 'PodLogOptions "web" is invalid: stream: Forbidden: may not be specified' },
  { query: 'tailLines=-1&limitBytes=-2', code: 422, message: 'PodLogOptions "web" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: -2: must be greater than 0]' },
  { query: 'tailLines=many', code: 400, message: 'strconv.ParseInt: parsing "many": invalid syntax' },
  { query: 'limitBytes=99999999999999999999', code: 400, message: 'strconv.ParseInt: parsing "99999999999999999999": value out of range' },
  { query: 'sinceTime=yesterday', code: 400, message: 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"' },
] // prettier-ignore
for (const { query, code, message } of refusals)
  t.test(`logs are refused with ${query}`, async t => {
    t.throws(() => logOptionsOf(new URLSearchParams(query), 'web'), { code, message })
  })

const queries: { query: string; is: string }[] = [
  { query: '', is: '' },
  { query: 'follow=false&previous=0&timestamps=FALSE', is: '' },
  { query: 'follow=1&previous&timestamps=true&pretty=true', is: 'follow=true&previous=true&timestamps=true' },
  { query: 'tailLines=0&limitBytes=10&sinceSeconds=5', is: 'sinceSeconds=5&tailLines=0&limitBytes=10' },
  { query: 'sinceTime=2026-01-01T00:00:00%2B01:00&container=a', is: 'sinceTime=2026-01-01T00%3A00%3A00%2B01%3A00' },
  { query: 'insecureSkipTLSVerifyBackend=true', is: '' },
]
for (const { query, is } of queries)
  t.test(`the kubelet is asked for ${is || 'everything'} where ${query || 'nothing'} is asked`, async t => {
    t.equal(String(kubeletLogQuery(logOptionsOf(new URLSearchParams(query), 'web'))), is)
  })
