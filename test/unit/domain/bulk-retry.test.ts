import fc from 'fast-check';
import {
  bulkRetryCommands,
  bulkRetryStatuses,
  isOver,
  isUnbounded,
  maxRatePerSecond,
  paceOf,
  progressOf,
  statusAfter,
} from '../../../domain/retry/bulk-retry';
import { bulkRetryRequestId } from '../../../domain/ids';

test('what operators may do with a bulk retry in each status', () => {
  const table = bulkRetryStatuses.map((status) => [
    status,
    ...bulkRetryCommands.map((command) => statusAfter(status, command)),
  ]);
  expect(table).toEqual([
    // status, pause, resume, cancel
    ['previewed', null, null, null],
    ['running', 'paused', 'running', 'cancelled'],
    ['paused', 'paused', 'running', 'cancelled'],
    ['completed', null, null, null],
    ['cancelled', null, null, 'cancelled'],
  ]);
});

test('what is over stays over', () => {
  for (const status of bulkRetryStatuses.filter(isOver)) {
    for (const command of bulkRetryCommands) expect([null, status]).toContain(statusAfter(status, command));
  }
});

test('a filter without any bound is told from one with a bound', () => {
  expect(isUnbounded({})).toBe(true);
  expect(isUnbounded({ provider: undefined })).toBe(true);
  expect(isUnbounded({ provider: undefined, plan_id: 'gold' })).toBe(false);
});

test('no pace is faster than its rate, and every one moves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: maxRatePerSecond }), (rate) => {
      const { batch, everyMs } = paceOf(rate);
      expect(batch).toBeGreaterThanOrEqual(1);
      expect(batch / (everyMs / 1_000)).toBeCloseTo(rate, 6);
    }),
  );
});

test('what is neither attempted nor refused remains', () => {
  expect(progressOf(10, { attempted: 4, refused: 1 })).toEqual({
    total: 10,
    attempted: 4,
    refused: 1,
    remaining: 5,
  });
});

test('the wish for a payment has one id in a run, and another in another', () => {
  const id = bulkRetryRequestId('brt_1', 'pay_1');
  expect(id).toBe(bulkRetryRequestId('brt_1', 'pay_1'));
  expect(id).toMatch(/^rtr_/);
  expect(bulkRetryRequestId('brt_2', 'pay_1')).not.toBe(id);
  expect(bulkRetryRequestId('brt_1', 'pay_2')).not.toBe(id);
});
