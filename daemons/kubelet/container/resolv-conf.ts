import type { LocalPod } from '../sync/local-pod.ts'

export interface ResolvConf {
  nameservers: string[]
  searches: string[]
  options: string[]
}

/** resolv.conf(5), as far as a pod's copy keeps it. Pure. */
export const parseResolvConf = (text: string): ResolvConf => {
  const conf: ResolvConf = { nameservers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && words[0] !== undefined) conf.nameservers.push(words[0])
    // The last search line wins; `domain` is the old word for one name.
    else if (keyword === 'search' || keyword === 'domain') conf.searches = words.filter(word => word !== '.')
    else if (keyword === 'options') conf.options = words
  }
  return conf
}

export const formatResolvConf = (conf: ResolvConf): string =>
  [
    ...(conf.searches.length === 0 ? [] : [`search ${conf.searches.join(' ')}`]),
    ...conf.nameservers.map(server => `nameserver ${server}`),
    ...(conf.options.length === 0 ? [] : [`options ${conf.options.join(' ')}`]),
    '',
  ].join('\n')

const unique = (values: readonly string[]): string[] => [...new Set(values)]

const optionName = (option: string): string => option.split(':')[0] ?? ''

/**
 * A pod's resolv.conf from its dnsPolicy and dnsConfig. Pure; limits (3 servers, 32 search names) and the order of
 * search names are upstream's.
 */
export const podResolvConf = (
  pod: LocalPod,
  node: { resolvConf: ResolvConf; clusterDns: readonly string[]; clusterDomain: string },
): ResolvConf => {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork = false } = pod.spec
  const cluster =
    node.clusterDns.length > 0 &&
    (dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork))
  let conf: ResolvConf
  if (dnsPolicy === 'None') conf = { nameservers: [], searches: [], options: [] }
  else if (cluster) {
    const domain = node.clusterDomain
    const own = domain === '' ? [] : [`${pod.namespace}.svc.${domain}`, `svc.${domain}`, domain]
    conf = {
      nameservers: [...node.clusterDns],
      searches: [...own, ...node.resolvConf.searches],
      options: ['ndots:5'],
    }
  } else conf = structuredClone(node.resolvConf)
  const extra = (dnsConfig?.options ?? []).map(({ name = '', value }) =>
    value === undefined ? name : `${name}:${value}`,
  )
  const replaced = new Set(extra.map(optionName))
  return {
    nameservers: unique([...conf.nameservers, ...(dnsConfig?.nameservers ?? [])]).slice(0, 3),
    searches: unique([...conf.searches, ...(dnsConfig?.searches ?? [])]).slice(0, 32),
    options: [...conf.options.filter(option => !replaced.has(optionName(option))), ...extra],
  }
}
