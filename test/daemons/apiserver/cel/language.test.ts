import {
  celDouble,
  celDyn,
  celInt,
  celString,
  listType,
  mapType,
  objectType,
} from '../../../../daemons/apiserver/cel/cel-type.ts'
import { runCases } from './cel-table.ts'

const self = objectType(
  'Widget',
  new Map([
    ['a-b', celInt],
    ['name', celString],
    ['namespace', celString],
    ['tags', listType(celString, { kind: 'set' })],
    ['ports', listType(objectType('Port', new Map([['port', celInt]])), { kind: 'map', keys: ['port'] })],
    ['limits', mapType(celString, celInt)],
    ['ratio', celDouble],
  ]),
  { escaped: true },
)

const scope = {
  types: { object: celDyn, self, absent: celDyn },
  values: {
    object: {
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: { replicas: 3, ratio: 1.5, none: null, containers: [{ image: 'reg/a:1' }, { image: 'b' }] },
    },
    self: {
      'a-b': 4,
      name: 'n',
      namespace: 'ns',
      tags: ['q', 'r'],
      ratio: 2,
      limits: { z: 1 },
      ports: [{ port: 80 }, { port: 443 }],
    },
  },
}

const error = (column: number, message: string, line: string) =>
  `ERROR: <input>:1:${column}: ${message}\n | ${line}\n | ${'.'.repeat(column - 1)}^`

runCases(
  [
    { name: 'operators bind as they do in C', expression: '1 + 2 * 3 - 4 / 2 % 3', gives: 5n },
    { name: 'a number without a type is an int when it is whole', expression: 'object.spec.replicas + 1', gives: 4n },
    { name: 'and a double when it is not', expression: 'object.spec.ratio * 2.0', gives: 3 },
    { name: 'a number whose type is double is one', expression: 'self.ratio + 0.5', gives: 2.5 },
    { name: 'ints and doubles compare by value', expression: '1 < 1.5 && dyn(1) == 1.0', gives: true },
    { name: 'the least int can be written', expression: '-9223372036854775808', gives: -(2n ** 63n) },
    { name: 'an int that overflows is an error', expression: '9223372036854775807 + 1', fails: 'integer overflow' },
    { name: 'nothing divides by zero', expression: '1 / 0', fails: 'division by zero' },
    { name: 'uints are a type of their own', expression: '3u + 4u', gives: { uint: 7n } },
    { name: 'a failure that does not decide does not matter', expression: '1 / 0 == 1 || true', gives: true },
    { name: 'has() sees what is there', expression: 'has(object.spec.replicas) && has(self.name)', gives: true },
    { name: 'has() sees what is not there', expression: 'has(object.spec.paused)', gives: false },
    {
      name: 'has() counts null as there',
      expression: 'has(object.spec.none) && object.spec.none == null',
      gives: true,
    },
    { name: 'a key that is not there is an error', expression: 'object.spec.paused', fails: 'no such key: paused' },
    { name: 'so is an index past the end', expression: 'object.spec.containers[5]', fails: 'index out of bounds: 5' },
    { name: 'a variable nobody gave is an error', expression: 'absent', fails: 'no such attribute(s): absent' },
    { name: 'in looks at keys', expression: '"app" in object.metadata.labels', gives: true },
    { name: 'in looks at items', expression: '2 in [1, 2]', gives: true },
    { name: 'maps are equal by what they hold', expression: 'object.metadata.labels == {"app": "web"}', gives: true },
    { name: 'types can be asked for', expression: 'type(object) == map && type(1) == int', gives: true },
    { name: 'a choice looks at one side only', expression: 'true ? 1 : 1 / 0', gives: 1n },
    { name: 'comments are passed over', expression: '// why\n1', gives: 1n },
    { name: 'texts may have escapes', expression: '"\\u00e9\\x41" + r"\\d"', gives: 'éA\\d' },
    {
      name: 'a name in a macro hides nothing outside',
      expression: '[1].all(self, self == 1) && self.name == "n"',
      gives: true,
    },
    { name: 'a macro variable may have a function’s name', expression: '["a"].all(ip, ip.size() == 1)', gives: true },
    {
      name: 'a missing field of an object whose fields are known is found when compiling',
      expression: 'self.foo == 1',
      fails: error(5, "undefined field 'foo'", 'self.foo == 1'),
    },
    {
      name: 'names are escaped where a custom resource needs it',
      expression: 'self.a__dash__b == 4 && self.__namespace__ == "ns"',
      gives: true,
    },
    {
      name: 'operands must fit',
      expression: 'self.name + 1',
      fails: error(11, "found no matching overload for '_+_' applied to '(string, int)'", 'self.name + 1'),
    },
    {
      name: 'a method shows its receiver',
      expression: 'self.tags.sum()',
      fails: error(14, "found no matching overload for 'sum' applied to 'list(string).()'", 'self.tags.sum()'),
    },
    {
      name: 'unknown names are found',
      expression: 'nope(other)',
      fails: error(6, "undeclared reference to 'other' (in container '')", 'nope(other)'),
    },
    {
      name: 'every complaint is shown',
      expression: 'x && y',
      fails: `${error(1, "undeclared reference to 'x' (in container '')", 'x && y')}\n${error(6, "undeclared reference to 'y' (in container '')", 'x && y')}`,
    },
    {
      name: 'items of one list are of one type',
      expression: '[1, "a"]',
      fails: error(5, "expected type 'int' but found 'string'", '[1, "a"]'),
    },
    {
      name: 'a choice has one type',
      expression: 'true ? 1 : "a"',
      fails: error(6, "found no matching overload for '_?_:_' applied to '(bool, int, string)'", 'true ? 1 : "a"'),
    },
    {
      name: 'syntax is looked at first',
      expression: '1 +',
      fails: error(4, 'Syntax error: Unexpected token: EOF', '1 +'),
    },
    {
      name: 'a written duration is read when compiling',
      expression: 'duration("x")',
      fails: error(10, 'invalid duration argument', 'duration("x")'),
    },
    { name: 'all', expression: 'object.spec.containers.all(c, c.image.startsWith("reg/"))', gives: false },
    { name: 'exists', expression: 'object.spec.containers.exists(c, c.image == "b")', gives: true },
    { name: 'exists_one', expression: '[1, 2, 2].exists_one(x, x == 2)', gives: false },
    { name: 'map', expression: '[1, 2].map(x, x * 2)', gives: [2n, 4n] },
    { name: 'map with a filter', expression: '[1, 2].map(x, x > 1, x * 2)', gives: [4n] },
    { name: 'filter', expression: '[1, 2].filter(x, x > 1)', gives: [2n] },
    { name: 'macros walk the keys of maps', expression: 'self.limits.all(k, self.limits[k] > 0)', gives: true },
    { name: 'two variables are index and item', expression: '[5, 6].transformList(i, v, i + v)', gives: [5n, 7n] },
    { name: 'or key and value', expression: '{"a": 1}.transformMap(k, v, v > 0, k + "!")', gives: { a: 'a!' } },
    {
      name: 'transformMapEntry makes the keys too',
      expression: '{"a": "b"}.transformMapEntry(k, v, {v: k})',
      gives: { b: 'a' },
    },
    { name: 'all with two variables', expression: '{"a": 1}.all(k, v, k == "a" && v == 1)', gives: true },
    { name: 'optional fields', expression: 'object.?spec.?paused.orValue(false)', gives: false },
    { name: 'optional keys', expression: 'self.limits[?"z"].hasValue()', gives: true },
    { name: 'optMap', expression: 'object.?spec.?replicas.optMap(r, r + 1).orValue(0)', gives: 4n },
    { name: 'optional.or', expression: 'optional.none().or(optional.of(2)).value()', gives: 2n },
    { name: 'nothing has no value', expression: 'optional.none().value()', fails: 'optional.none() dereference' },
    { name: 'sets are equal in any order', expression: 'self.tags == self.tags && self.tags != ["r"]', gives: true },
    { name: 'sets are joined without doubles', expression: 'self.tags + ["r", "s"]', gives: ['q', 'r', 's'] },
    {
      name: 'lists by key are joined by key',
      expression: '(self.ports + [{"port": 1}].map(p, self.ports[0])).size()',
      gives: 2n,
    },
  ],
  scope,
)
