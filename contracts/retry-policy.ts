/**
 * The retry policy as people write it: how failed payments are collected, and what happens when they cannot be.
 *
 * Owns: what is acceptable, in words for whoever wrote it. Does not own what follows from it (`domain/retry-policy`).
 */
import { z } from 'zod';
import { declineCategories, declineCategory, declineCodes } from '../domain/payment/payment';
import {
  durationParts,
  finalActions,
  nominalSeconds,
  shippedPolicy,
  treatments,
  type RetryPolicyDocument,
} from '../domain/retry/policy';

const maxSteps = 50;
const maxDays = 365;
const categoryNames: readonly string[] = [...new Set([...declineCodes, ...declineCategories])];

const after = z
  .string()
  .superRefine((text, context) => {
    const mistake = durationMistake(text);
    if (mistake !== null) context.addIssue({ code: 'custom', message: mistake });
  })
  .meta({
    example: 'P3D',
    description:
      'ISO 8601 duration from the first failure: weeks, days (local ones), hours, minutes, seconds.',
  });

function durationMistake(text: string): string | null {
  if (/-/.test(text)) return 'must be longer than zero, not negative';
  if (/^P\d+(Y|M)|^P[^T]*\d+(Y|M)/.test(text)) return 'must not use years or months: their lengths differ';
  if (durationParts(text) === null) return 'must be an ISO 8601 duration, such as P3D or PT2H';
  const seconds = nominalSeconds(text) ?? 0;
  if (seconds === 0) return 'must be longer than zero';
  return seconds > maxDays * 86_400 ? `must be at most ${maxDays} days` : null;
}

const ladder = z
  .array(z.strictObject({ after }))
  .min(1, 'must have at least one attempt; to make none, say "stop" for the category soft')
  .max(maxSteps, `must have at most ${maxSteps} attempts`)
  .superRefine((steps, context) => {
    steps.forEach((step, at) => {
      const before = steps[at - 1]?.after ?? 'PT0S';
      // Each duration has its own mistake where it is none.
      if ((nominalSeconds(step.after) ?? Infinity) > (nominalSeconds(before) ?? 0)) return;
      if (at === 0) return;
      context.addIssue({
        code: 'custom',
        path: [at, 'after'],
        message: `must be later than the attempt before it (${before}): both count from the first failure`,
      });
    });
  })
  .meta({ description: 'The automatic attempts, each later than the one before.' });

const hoursMistake = 'must be two whole hours [from, to]: from 0 to 23, to 1 to 24';
const hours = z
  .tuple(
    [
      z.int(hoursMistake).min(0, hoursMistake).max(23, hoursMistake),
      z.int(hoursMistake).min(1, hoursMistake).max(24, hoursMistake),
    ],
    {
      error: hoursMistake,
    },
  )
  .refine(([from, to]) => from % 24 !== to % 24 || (from === 0 && to === 24), 'must be two different hours')
  .meta({
    example: [8, 11],
    description:
      'Local hours [from, to), at which attempts are preferred. `from` after `to` goes over midnight.',
  });

const days = z
  .array(
    z
      .int('must be a day of the month, 1 to 31')
      .min(1, 'must be a day of the month, 1 to 31')
      .max(31, 'must be a day of the month, 1 to 31'),
  )
  .min(1, 'must name at least one day')
  .max(31, 'must name at most 31 days')
  .refine((list) => new Set(list).size === list.length, 'must not name a day twice')
  .meta({
    example: [1, 15],
    description:
      'Local days of the month at which attempts are preferred. Beyond a shorter month: its last day.',
  });

const rule = z
  .strictObject({
    ladder: ladder.optional(),
    prefer_local_hours: hours.optional(),
    prefer_days_of_month: days.optional(),
  })
  .meta({ id: 'RetryRule' });

const byCategory = z
  .record(
    z
      .string()
      .refine(
        (name) => categoryNames.includes(name),
        `must be a decline code or category: ${categoryNames.join(', ')}`,
      ),
    z.union([z.enum(treatments), rule], { error: 'must be "stop", "wait_for_customer" or an object' }),
  )
  .superRefine((rules, context) => {
    for (const [name, treatment] of Object.entries(rules)) {
      const hard =
        name === 'hard' || declineCodes.some((code) => code === name && declineCategory(code) === 'hard');
      if (!hard || treatment === 'stop') continue;
      const message = 'must be "stop": card networks forbid another attempt after a hard decline';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .meta({
    description:
      'How declines of a code or a category are retried, where that differs. A code comes before its category, and ' +
      `both before the policy. Hard declines always stop. Known are ${categoryNames.join(', ')}.`,
  });

const count = (most: number) =>
  z.int('must be a whole number').min(1, 'must be at least 1').max(most, `must be at most ${most}`);

const budget = z
  .strictObject({
    attempts: count(1000).optional(),
    days: count(maxDays).optional(),
    per_day: count(1000).optional(),
  })
  .refine(({ attempts, days }) => (attempts === undefined) === (days === undefined), {
    error: 'must have attempts and days together',
  })
  .refine(({ attempts, per_day }) => attempts !== undefined || per_day !== undefined, {
    error: 'must have attempts and days, or per_day, or all three',
  })
  .meta({ id: 'NetworkBudget' });

const budgets = z
  .record(
    z
      .string()
      .max(40, 'names are at most 40 characters')
      .regex(/^[a-z0-9]+$/, 'must be a card network in small letters and digits, such as visa or mastercard'),
    budget,
  )
  .refine((all) => Object.keys(all).length > 0, 'must name at least one network')
  .refine((all) => Object.keys(all).length <= 20, 'must name at most 20 networks')
  .meta({
    description:
      'The most attempts with one payment method, over all its payments, manual ones included. A network that is not ' +
      'named, or not known, has to keep within all of them.',
  });

const graceDays = count(maxDays).meta({
  description: 'Local days from the first failure to the final action.',
});

const notify = z.strictObject({
  on_failure: z.boolean(),
  before_final_days: z
    .array(count(maxDays))
    .max(10, 'must have at most 10 reminders')
    .refine((list) => new Set(list).size === list.length, 'must not name a day twice')
    .meta({ description: 'Reminders, in days before the final action.' }),
});

export const retryPolicyDocument = z
  .strictObject({
    ladder,
    by_category: byCategory.default({}),
    budgets: budgets.default(shippedPolicy.budgets),
    grace_days: graceDays,
    final_action: z.enum(finalActions, `must be one of ${finalActions.join(', ')}`),
    retry_manual_payments: z.boolean().default(shippedPolicy.retry_manual_payments),
    notify: notify.default(shippedPolicy.notify),
  })
  .meta({ id: 'RetryPolicyDocument' }) satisfies z.ZodType<RetryPolicyDocument>;
