import { celDyn } from '../../../../daemons/apiserver/cel/cel-type.ts'
import type { CelAttributes, CelUser } from '../../../../daemons/apiserver/cel/library/authorization.ts'
import { authorizerType, CelAuthorizer } from '../../../../daemons/apiserver/cel/library/authorization.ts'
import { runCases } from './cel-table.ts'

const strings = [
  { name: 'charAt counts characters', expression: '"né".charAt(1)', gives: 'é' },
  { name: 'indexOf', expression: '"tacocat".indexOf("ac") + "tacocat".indexOf("a", 3)', gives: 6n },
  { name: 'indexOf past the end', expression: '"a".indexOf("b", 5)', fails: 'index out of range: 5' },
  { name: 'lastIndexOf', expression: '"tacocat".lastIndexOf("a")', gives: 5n },
  { name: 'substring', expression: '"tacocat".substring(1, 4) + "tacocat".substring(5)', gives: 'acoat' },
  {
    name: 'substring the wrong way round',
    expression: '"ab".substring(2, 1)',
    fails: 'invalid substring range. start: 2, end: 1',
  },
  { name: 'replace', expression: '"aaa".replace("a", "b", 2) + "aaa".replace("a", "")', gives: 'bba' },
  { name: 'split', expression: '"a,b,c".split(",", 2)', gives: ['a', 'b,c'] },
  { name: 'split into characters', expression: '"ab".split("")', gives: ['a', 'b'] },
  { name: 'trim takes every kind of space', expression: '"\\u00a0 a b\\n".trim()', gives: 'a b' },
  { name: 'only ASCII changes its case', expression: '"ÀB".lowerAscii() + "éa".upperAscii()', gives: 'ÀbéA' },
  { name: 'join', expression: '["a", "b"].join("-")', gives: 'a-b' },
  { name: 'quote', expression: 'strings.quote("a\\n\\"b")', gives: '"a\\n\\"b"' },
  {
    name: 'format',
    expression: '"%s %d %.2f %x %b %%".format([dyn("a"), 1, 2.0, 255, 5])',
    gives: 'a 1 2.00 ff 101 %',
  },
  {
    name: 'format writes lists and maps',
    expression: '"%s".format([{"b": [1], "a": [2]}])',
    gives: '{a: [2], b: [1]}',
  },
  { name: 'size counts characters', expression: '"é€😀".size()', gives: 3n },
  { name: 'conversions', expression: 'int("7") + int(2.9) + int(1u)', gives: 10n },
  { name: 'doubles as Go writes them', expression: 'string(1e21) + " " + string(0.5)', gives: '1e+21 0.5' },
]

const regex = [
  { name: 'matches anywhere', expression: '"abc".matches("b")', gives: true },
  { name: 'find', expression: '"abc 123".find("[0-9]+")', gives: '123' },
  { name: 'findAll with a limit', expression: '"1 2 3".findAll("[0-9]", 2)', gives: ['1', '2'] },
  {
    name: 'a pattern that would run for ever elsewhere',
    expression: '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$")',
    gives: false,
  },
]

const lists = [
  { name: 'isSorted', expression: '[1, 2, 2].isSorted() && !["b", "a"].isSorted()', gives: true },
  { name: 'sum', expression: '[1, 2].sum() == 3 && [1.5, 2.5].sum() == 4.0', gives: true },
  { name: 'min and max', expression: '[3, 1, 2].min() + [3, 1, 2].max()', gives: 4n },
  { name: 'nothing has no smallest', expression: '[1].filter(x, false).min()', fails: 'min called on empty list' },
  {
    name: 'indexOf and lastIndexOf of lists',
    expression: '["a", "b", "a"].indexOf("a") + ["a", "b", "a"].lastIndexOf("a")',
    gives: 2n,
  },
  {
    name: 'sets',
    expression: 'sets.contains([1, 2], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])',
    gives: true,
  },
]

const times = [
  {
    name: 'times add up',
    expression: 'timestamp("2024-02-28T23:30:00Z") + duration("1h") == timestamp("2024-02-29T00:30:00Z")',
    gives: true,
  },
  {
    name: 'parts of a time in a zone',
    expression: 'timestamp("2024-01-01T00:30:00Z").getHours("America/New_York")',
    gives: 19n,
  },
  {
    name: 'parts of a time at an offset',
    expression: 'timestamp("2024-01-01T00:30:00Z").getFullYear("-01:00")',
    gives: 2023n,
  },
  { name: 'days of a year count from 0', expression: 'timestamp("2024-03-01T00:00:00Z").getDayOfYear()', gives: 60n },
  {
    name: 'durations',
    expression: 'string(duration("1m30.5s")) + " " + string(duration("90m").getHours())',
    gives: '90.5s 1',
  },
]

const network = [
  {
    name: 'addresses',
    expression: 'ip("10.0.0.1").family() == 4 && ip("::1").isLoopback() && !isIP("1.2.3")',
    gives: true,
  },
  {
    name: 'canonical addresses',
    expression: 'ip.isCanonical("2001:db8::1") && !ip.isCanonical("2001:DB8::1")',
    gives: true,
  },
  {
    name: 'global unicast',
    expression: 'ip("192.168.0.1").isGlobalUnicast() && !ip("224.0.0.1").isGlobalUnicast()',
    gives: true,
  },
  { name: 'equal addresses', expression: 'ip("::1") == ip("0:0::1") && string(ip("0:0::1")) == "::1"', gives: true },
  { name: 'mapped addresses are refused', expression: 'isIP("::ffff:1.2.3.4")', gives: false },
  {
    name: 'ranges',
    expression: 'cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsCIDR("10.0.0.0/7")',
    gives: true,
  },
  {
    name: 'parts of ranges',
    expression: 'string(cidr("10.1.2.3/8").masked()) + " " + string(cidr("10.1.2.3/8").prefixLength())',
    gives: '10.0.0.0/8 8',
  },
  { name: 'what is no range', expression: 'isCIDR("10.0.0.0/33") || isCIDR("10.0.0.0")', gives: false },
  {
    name: 'parts of URLs',
    expression: 'url("https://[::1]:80/a b?x=1&x=2").getHostname() + url("https://e.com:80/").getPort()',
    gives: '::180',
  },
  {
    name: 'paths and queries',
    expression: 'url("https://e.com/a%20b?x=1&x=2").getQuery()["x"] + [url("/p").getEscapedPath()]',
    gives: ['1', '2', '/p'],
  },
  { name: 'what is no URL', expression: 'isURL("../x") || isURL("")', gives: false },
  {
    name: 'a bad URL says why',
    expression: 'url("x")',
    fails: 'URL parse error during conversion from string: parse "x": invalid URI for request',
  },
]

const kubernetes = [
  {
    name: 'quantities',
    expression: 'quantity("1Gi").isGreaterThan(quantity("1G")) && isQuantity("100m") && !isQuantity("10 m")',
    gives: true,
  },
  {
    name: 'quantities add up',
    expression: 'quantity("500m").add(quantity("1.5")) == quantity("2") && quantity("3").sub(1).asInteger() == 2',
    gives: true,
  },
  {
    name: 'quantities have an order',
    expression: 'quantity("1").compareTo(quantity("2")) + quantity("-1").sign()',
    gives: -2n,
  },
  {
    name: 'not every quantity is whole',
    expression: 'quantity("1500m").asInteger()',
    fails: 'cannot convert value to integer',
  },
  { name: 'quantities as doubles', expression: 'quantity("1500m").asApproximateFloat()', gives: 1.5 },
  {
    name: 'formats',
    expression: 'format.dns1123Label().validate("ok").hasValue() || format.named("nope").hasValue()',
    gives: false,
  },
  {
    name: 'formats say what is wrong',
    expression: 'format.uuid().validate("x").value()',
    gives: ['does not match the UUID format'],
  },
  {
    name: 'formats by name',
    expression: 'format.named("dns1035LabelPrefix").value().validate("a-").hasValue()',
    gives: false,
  },
  {
    name: 'versions',
    expression: 'semver("1.2.3").isLessThan(semver("1.10.0")) && semver("1.0.0-rc.1").isLessThan(semver("1.0.0"))',
    gives: true,
  },
  {
    name: 'versions made whole',
    expression: 'semver("v1.2", true).minor() + semver("01.0.0", true).major()',
    gives: 3n,
  },
  { name: 'what is no version', expression: 'isSemver("1.2") || isSemver("1.2.3-01")', gives: false },
]

const authorize = (user: CelUser, attributes: CelAttributes) => {
  const allowed =
    user.name === 'ann'
      ? attributes.kind === 'resource' && attributes.verb === 'get' && attributes.namespace === 'dev'
      : user.groups.includes('system:serviceaccounts:dev') && attributes.kind === 'path'
  return { allowed, reason: allowed ? 'because' : '' }
}

const authorization = [
  {
    name: 'resources',
    expression: 'authorizer.group("").resource("pods").namespace("dev").check("get").allowed()',
    gives: true,
  },
  {
    name: 'reasons',
    expression:
      'authorizer.group("apps").resource("deployments").subresource("scale").namespace("dev").name("x").check("get").reason()',
    gives: 'because',
  },
  { name: 'paths', expression: 'authorizer.path("/healthz").check("get").allowed()', gives: false },
  {
    name: 'others',
    expression: 'authorizer.serviceAccount("dev", "bot").path("/healthz").check("get").allowed()',
    gives: true,
  },
  { name: 'no path', expression: 'authorizer.path("")', fails: 'path must not be empty' },
  {
    name: 'asking is dear',
    expression:
      'authorizer.path("/a").check("get").allowed() || authorizer.path("/b").check("get").allowed() || authorizer.path("/c").check("get").allowed()',
    fails: 'operation cancelled: actual cost limit exceeded',
  },
]

runCases([...strings, ...regex, ...lists, ...times, ...network, ...kubernetes])
runCases(authorization, {
  types: { authorizer: authorizerType, object: celDyn },
  values: { authorizer: new CelAuthorizer(authorize, { name: 'ann', groups: [] }) },
})
