import type { CelIssue } from './cel-error.ts'
import type { CelType } from './cel-type.ts'
import type { CostMeter } from './cost.ts'
import type { FunctionTable } from './function-table.ts'
import type { CelValue } from './value.ts'

/** What one evaluation works on: the variables it was given, those its macros make, and what it has cost so far. */
export interface Frame {
  readonly globals: ReadonlyMap<string, CelValue>
  readonly locals: CelValue[]
  readonly meter: CostMeter
}

export type Step = (frame: Frame) => CelValue

/** An expression with its type, ready to run. */
export interface Compiled {
  readonly type: CelType
  readonly step: Step
}

interface Local {
  readonly type: CelType
  readonly slot: number
}

/** The names that can be seen at one place of an expression, and everything that has been complained about. */
export class CompileContext {
  readonly issues: CelIssue[]
  readonly functions: FunctionTable
  readonly globals: ReadonlyMap<string, CelType>
  private readonly locals: ReadonlyMap<string, Local>

  constructor(from: {
    issues: CelIssue[]
    functions: FunctionTable
    globals: ReadonlyMap<string, CelType>
    locals?: ReadonlyMap<string, Local>
  }) {
    this.issues = from.issues
    this.functions = from.functions
    this.globals = from.globals
    this.locals = from.locals ?? new Map()
  }

  complain(offset: number, message: string): void {
    this.issues.push({ offset, message })
  }

  local(name: string): Local | undefined {
    return this.locals.get(name)
  }

  /** The same place with one more variable; each has a slot of its own in the frame. */
  withLocal(name: string, type: CelType): { context: CompileContext; slot: number } {
    const slot = this.nextSlot
    const locals = new Map(this.locals).set(name, { type, slot })
    // A name that hides another gets a slot of its own: the other is seen again after the macro.
    const context = new CompileContext({
      issues: this.issues,
      functions: this.functions,
      globals: this.globals,
      locals,
    })
    context.nextSlot = slot + 1
    return { context, slot }
  }

  private nextSlot = 0
}
