/** The judge of webhooks: what failed is used while an operator is asked about just that. */
import type { Facts } from '../../chaos/facts';
import { violationsOf } from '../../chaos/invariants';
import { idleFacts } from './quiet-facts';

describe('a webhook that failed', () => {
  const notCharged = 'Of attempt 1, which is failed: once its success is known, replay this webhook.';
  const unreadable = 'It cannot be read: a person is asked. amount is missing';
  const failed = (outcome: string, openTasks: Facts['openTasks']): string[] => {
    const known = { ...idleFacts(), openTasks };
    Object.assign(known.deliveries[6]!, { status: 'failed', outcome });
    return violationsOf(known);
  };

  test.each([
    ['whose charge is not known to have succeeded', notCharged, { kind: 'dispute', subject_id: 'pay_1' }],
    ['that cannot be read', unreadable, { kind: 'webhook_unreadable', subject_id: 'whd_dp_1' }],
  ])('%s violates nothing while an operator is asked', (_, outcome, task) => {
    expect(failed(outcome, [task])).toEqual([]);
  });

  test.each([
    ['nobody is asked', notCharged, []],
    ['another payment is asked about', notCharged, [{ kind: 'dispute', subject_id: 'pay_2' }]],
    ['something else is asked', notCharged, [{ kind: 'refund_failed', subject_id: 'pay_1' }]],
    ['another webhook is asked about', unreadable, [{ kind: 'webhook_unreadable', subject_id: 'whd_re_1' }]],
    ['it failed otherwise', 'The payment is not known.', [{ kind: 'dispute', subject_id: 'pay_1' }]],
  ])('is a violation where %s', (_, outcome, openTasks) => {
    expect(failed(outcome, openTasks)).toEqual([
      `each webhook that was taken was used: dispute.opened dp_1 is failed: ${outcome}`,
    ]);
  });
});

test('a webhook that was lost on purpose is not missed, another is', () => {
  const known = idleFacts();
  known.deliveries = known.deliveries.slice(2);
  const [kept = '', lost = ''] = idleFacts().deliveries.map(
    ({ event_type: type, reference }) => `${type} ${reference}`,
  );
  known.lostWebhooks = new Set([lost]);
  expect(violationsOf(known)).toEqual([`each webhook of the provider was taken once: missing: ${kept}`]);
});
