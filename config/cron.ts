/**
 * Cron expressions as node-cron reads them, and the longest wait they can cause. Imported here to check expressions only;
 * the ticking itself happens elsewhere.
 */
import { parse, validateDetailed } from 'node-cron';
import { z } from 'zod';

const dayMs = 86_400_000;

/** A cron expression node-cron accepts: six fields, second first (five fields mean second 0). */
export const cronExpression = z.string().superRefine((text, context) => {
  const { valid, errors } = validateDetailed(text);
  if (valid) return;
  const where = errors[0] === undefined || errors[0].field === 'expression' ? '' : ` (${errors[0].field})`;
  context.addIssue({
    code: 'custom',
    message: `is not a cron expression${where}; write six fields, second first, like */10 * * * * *`,
  });
});

/**
 * The longest time between two ticks in ms, for expressions that tick every day; Infinity for those that leave days out.
 * The expression must be valid.
 */
export function longestGapMs(expression: string): number {
  const { second, minute, hour, dayOfMonth, month, dayOfWeek } = parse(expression);
  if (dayOfMonth.length < 31 || month.length < 12 || new Set(dayOfWeek.map((day) => Number(day) % 7)).size < 7)
    return Number.POSITIVE_INFINITY;
  let first: number | undefined;
  let last = 0;
  let longest = 0;
  for (const h of hour) {
    for (const m of minute) {
      for (const s of second) {
        const at = ((h * 60 + m) * 60 + s) * 1_000;
        if (first === undefined) first = at;
        else longest = Math.max(longest, at - last);
        last = at;
      }
    }
  }
  return Math.max(longest, dayMs - last + (first ?? 0));
}
