import type { FunctionTable } from '../function-table.ts'
import { FunctionTableBuilder } from '../function-table.ts'
import { addConversions } from './conversions.ts'
import { addLists } from './lists.ts'
import { addOperators } from './operators.ts'
import { addOptionals } from './optionals.ts'
import { addRegex } from './regex.ts'
import { addStrings } from './strings.ts'
import { addTimes } from './times.ts'

let table: FunctionTable | undefined

/** Every function an expression may call, made when the first expression is compiled. */
export const kubernetesLibrary = (): FunctionTable => {
  if (table !== undefined) return table
  const builder = new FunctionTableBuilder()
  const parts = [addOperators, addConversions, addTimes, addStrings, addRegex, addLists, addOptionals]
  for (const add of parts) add(builder)
  table = builder.build()
  return table
}
