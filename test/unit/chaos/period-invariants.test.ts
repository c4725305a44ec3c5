/** The judges of the fault tests that look at periods: each sees what it is there for. */
import type { Facts } from '../../chaos/facts';
import { violationsOf } from '../../chaos/invariants';
import { idleFacts } from './quiet-facts';

const first = <T>(list: T[]): T => list[0]!;

test.each<[string, string, (facts: Facts) => void]>([
  [
    'a period that was skipped',
    'periods follow each other: sub_1 has no period 2',
    ({ periods }) => Object.assign(periods[1]!, { index: 3 }),
  ],
  [
    'a gap between two periods',
    'periods follow each other: period 2 of sub_1 does not begin where the one before ends',
    ({ periods }) => Object.assign(periods[1]!, { start: new Date('2026-01-01T00:00:32Z') }),
  ],
  [
    'a renewal that did not come',
    'periods are opened up to today: sub_1 is active, and its last period ended at 2026-01-01T00:00:31.000Z',
    ({ periods }) => void periods.splice(1, 1),
  ],
  [
    'a renewal that did not come by a test clock',
    'periods are opened up to today: sub_1 is active, and its last period ended at 2026-01-01T00:01:01.000Z',
    ({ subscriptions }) =>
      Object.assign(first(subscriptions), { clock_now: new Date('2026-02-01T00:00:00Z') }),
  ],
  [
    'a renewal that came too often',
    'periods are opened up to today: period 3 of sub_1 was opened before it begins',
    ({ periods }) => {
      const [start, end] = [new Date('2026-01-01T00:01:01Z'), new Date('2026-01-01T00:01:31Z')];
      periods.push({ ...periods[1]!, index: 3, start, end });
    },
  ],
  [
    'an active subscription without any period',
    'periods are opened up to today: sub_1 is active, and has no period',
    ({ periods }) => void periods.splice(0, 2),
  ],
  [
    'a period that ended and was not followed',
    'each period that ended has its successor: 2 periods of sub_1 have ended, and it has 2',
    ({ reported }) => void reported.ended.push('sub_1'),
  ],
  [
    'money that was taken and not noted',
    'a period is paid when its payment is: period 1 of sub_1 is not paid, and pay_1 is completed',
    ({ periods }) => Object.assign(first(periods), { paid: false }),
  ],
])('%s is seen', (_, line, harm) => {
  const harmed = idleFacts();
  harm(harmed);
  expect(violationsOf(harmed)).toContain(line);
});
