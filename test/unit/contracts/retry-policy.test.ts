import type { ProblemError } from '../../../contracts/problem-error';
import { validated } from '../../../contracts/validation';
import { retryPolicyDocument } from '../../../contracts/retry-policy';
import { policyWarnings, shippedPolicy } from '../../../domain/retry/policy';

const least = { ladder: [{ after: 'P1D' }], grace_days: 14, final_action: 'expire' };

/** `path message` of each mistake. */
function mistakesOf(more: object): string[] {
  try {
    validated(retryPolicyDocument, { ...least, ...more });
    return [];
  } catch (error) {
    return ((error as ProblemError).extras.errors ?? []).map(({ path, message }) => `${path} ${message}`);
  }
}

const days = (...list: number[]) => list.map((day) => ({ after: `P${day}D` }));
const soft = (rule: unknown) => ({ by_category: { soft: rule } });
const hoursWords = 'must be two whole hours [from, to]: from 0 to 23, to 1 to 24';

describe('a retry policy', () => {
  test('is the shipped one, as it is', () => {
    expect(retryPolicyDocument.parse(shippedPolicy)).toEqual(shippedPolicy);
    expect(policyWarnings(shippedPolicy)).toEqual([]);
  });

  test('needs a ladder, grace and a final action; the rest has defaults', () => {
    expect(validated(retryPolicyDocument, least)).toEqual({
      ...least,
      by_category: {},
      budgets: shippedPolicy.budgets,
      retry_manual_payments: false,
      notify: shippedPolicy.notify,
    });
    for (const name of Object.keys(least)) {
      expect(mistakesOf({ [name]: undefined })).toEqual([`${name} is required`]);
    }
  });

  test.each<[string, object, string]>([
    ['an empty ladder', { ladder: [] }, 'ladder must have at least one attempt'],
    ['no duration', { ladder: [{ after: 'tomorrow' }] }, 'ladder.0.after must be an ISO 8601 duration'],
    ['no time', { ladder: [{ after: 'P0D' }] }, 'ladder.0.after must be longer than zero'],
    [
      'time backwards',
      { ladder: [{ after: '-P1D' }] },
      'ladder.0.after must be longer than zero, not negative',
    ],
    [
      'a part backwards',
      { ladder: [{ after: 'P-1D' }] },
      'ladder.0.after must be longer than zero, not negative',
    ],
    ['months', { ladder: [{ after: 'P1M' }] }, 'ladder.0.after must not use years or months'],
    ['more than a year', { ladder: [{ after: 'P366D' }] }, 'ladder.0.after must be at most 365 days'],
    [
      'the same twice',
      { ladder: days(3, 3) },
      'ladder.1.after must be later than the attempt before it (P3D)',
    ],
    ['going back', { ladder: days(3, 1) }, 'ladder.1.after must be later than the attempt before it (P3D)'],
    [
      'the same in other words',
      { ladder: [{ after: 'P1D' }, { after: 'PT24H' }] },
      'ladder.1.after must be later',
    ],
    ['another field', { ladder: [{ after: 'P1D', at: 1 }] }, 'ladder.0.at is not a known field'],
    [
      'an unknown category',
      { by_category: { cheese: 'stop' } },
      'by_category.cheese must be a decline code or',
    ],
    ['an unknown word', soft('go'), 'by_category.soft must be "stop", "wait_for_customer" or an object'],
    [
      'an empty ladder within',
      soft({ ladder: [] }),
      'by_category.soft.ladder must have at least one attempt',
    ],
    ['one hour', soft({ prefer_local_hours: [8] }), `by_category.soft.prefer_local_hours ${hoursWords}`],
    ['hour 25', soft({ prefer_local_hours: [8, 25] }), `by_category.soft.prefer_local_hours.1 ${hoursWords}`],
    [
      'half an hour',
      soft({ prefer_local_hours: [8.5, 9] }),
      `by_category.soft.prefer_local_hours.0 ${hoursWords}`,
    ],
    [
      'no hour',
      soft({ prefer_local_hours: [8, 8] }),
      'by_category.soft.prefer_local_hours must be two different',
    ],
    [
      'day 0',
      soft({ prefer_days_of_month: [0] }),
      'by_category.soft.prefer_days_of_month.0 must be a day of the',
    ],
    [
      'day 32',
      soft({ prefer_days_of_month: [32] }),
      'by_category.soft.prefer_days_of_month.0 must be a day of the',
    ],
    [
      'no day',
      soft({ prefer_days_of_month: [] }),
      'by_category.soft.prefer_days_of_month must name at least one',
    ],
    [
      'a day twice',
      soft({ prefer_days_of_month: [1, 1] }),
      'by_category.soft.prefer_days_of_month must not name',
    ],
    ['an unknown field of a rule', soft({ hours: [8, 9] }), 'by_category.soft.hours is not a known field'],
    ['hard declines retried', { by_category: { hard: {} } }, 'by_category.hard must be "stop"'],
    [
      'one of them',
      { by_category: { expired_card: 'wait_for_customer' } },
      'by_category.expired_card must be "stop"',
    ],
    ['no budget', { budgets: {} }, 'budgets must name at least one network'],
    ['a network in capitals', { budgets: { Visa: { per_day: 1 } } }, 'budgets.Visa must be a card network'],
    [
      'a budget of nothing',
      { budgets: { visa: {} } },
      'budgets.visa must have attempts and days, or per_day',
    ],
    [
      'half a budget',
      { budgets: { visa: { attempts: 1 } } },
      'budgets.visa must have attempts and days together',
    ],
    ['no attempt allowed', { budgets: { visa: { per_day: 0 } } }, 'budgets.visa.per_day must be at least 1'],
    ['no grace', { grace_days: 0 }, 'grace_days must be at least 1'],
    ['negative grace', { grace_days: -1 }, 'grace_days must be at least 1'],
    ['half a day of grace', { grace_days: 1.5 }, 'grace_days must be a whole number'],
    ['another final action', { final_action: 'sue' }, 'final_action must be one of expire, cancel, pause'],
    [
      'a reminder twice',
      { notify: { on_failure: true, before_final_days: [1, 1] } },
      'notify.before_final_days must',
    ],
    ['an id of its own', { id: 'mine' }, 'id is not a known field'],
  ])('with %s is refused in words', (_name, more, mistake) => {
    expect(mistakesOf(more)).toEqual([expect.stringContaining(mistake)]);
  });

  test('tells all mistakes at once', () => {
    expect(mistakesOf({ ladder: [], grace_days: 0, by_category: { soft: 'go' } })).toHaveLength(3);
  });

  test('may prefer the whole day, and hours over midnight', () => {
    expect(mistakesOf(soft({ prefer_local_hours: [0, 24] }))).toEqual([]);
    expect(mistakesOf(soft({ prefer_local_hours: [22, 6] }))).toEqual([]);
  });
});

describe('warnings', () => {
  const warningsOf = (more: object) =>
    policyWarnings(retryPolicyDocument.parse({ ...least, ...more })).map(
      ({ path, message }) => `${path} ${message}`,
    );

  test.each<[string, object, string]>([
    [
      'a ladder longer than grace',
      { ladder: days(1, 14, 20), grace_days: 20 },
      'ladder.2.after is not before the end of the grace period of 20 days: this attempt is never made',
    ],
    [
      'the ladder of a category longer than grace',
      { by_category: { soft: { ladder: days(14) } } },
      'by_category.soft.ladder.0.after is not before the end of the grace period of 14 days',
    ],
    [
      'a reminder before the first failure',
      { notify: { on_failure: true, before_final_days: [14, 1] } },
      'notify.before_final_days.0 is not within the grace period of 14 days: this reminder is never sent',
    ],
    [
      'more than visa allows',
      { budgets: { visa: { attempts: 21, days: 30 } } },
      'budgets.visa allows more than the network does: 20 attempts in 30 days',
    ],
    [
      'more in a day than mastercard allows',
      { budgets: { mastercard: { attempts: 35, days: 30 } } },
      'budgets.mastercard allows more than the network does: 35 attempts in 30 days, 10 in a day',
    ],
  ])('%s', (_name, more, warning) => {
    expect(warningsOf(more)).toEqual([expect.stringContaining(warning)]);
  });

  test('none for what is stricter than the networks', () => {
    expect(warningsOf({ budgets: { visa: { attempts: 5, days: 30 }, mir: { per_day: 2 } } })).toEqual([]);
    expect(warningsOf({ budgets: { mastercard: { per_day: 1 } } })).toEqual([]);
  });
});
