import type { UnknownObject } from '../../../kube/object.ts'

/**
 * A kind's type as it may arrive: every field may be missing, however required it is. Types themselves were checked
 * against the schema before (a string is a string), so the rules here only have to ask what is there.
 */
export type Draft<T> = T extends readonly (infer U)[]
  ? Draft<U>[]
  : T extends object
    ? { -readonly [K in keyof T]?: Draft<T[K]> | undefined }
    : T

/** The one place where an object of unknown kind is taken for one of its row's kind. */
export const draftOf = <T>(object: UnknownObject): Draft<T> => object as unknown as Draft<T>
