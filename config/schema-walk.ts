/**
 * Looks into a zod schema along a path: which keys an object may have (for "did you mean") and which part of it a value
 * was read by (so that durations are printed as they are written). Knows the few kinds our schemas are made of.
 */
import { z } from 'zod';

/** The schema without its wrappers: optional, default, prefault, and what a value is turned into. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return bare(schema.def.innerType);
  if (schema instanceof z.ZodPipe) return bare(schema.def.in);
  return schema;
}

/** The schema one step down; undefined where there is none. */
export function step(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) return inner.shape[String(key)];
  if (inner instanceof z.ZodRecord) return inner.def.valueType;
  if (inner instanceof z.ZodArray) return inner.def.element;
  if (inner instanceof z.ZodUnion) {
    for (const option of inner.def.options) {
      const next = step(option, key);
      if (next !== undefined) return next;
    }
  }
  return undefined;
}

/** Keys an object may have at a path; none where it is no object or its keys are free. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = schema;
  for (const key of path) at = at === undefined ? undefined : step(at, key);
  const inner = at === undefined ? undefined : bare(at);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
