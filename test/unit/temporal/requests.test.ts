/** Updates that Temporal does not take are asked again under their id, and refused by what is known then (W5). */
import { pino } from 'pino';
import { ServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { Update } from '../../../temporal/client';
import { requestUpdate, type Recovery, type UpdatingClient } from '../../../temporal/requests';
import { subscriptionStart } from '../../../contracts/workflows/workflows';

const start = subscriptionStart({ subscription_id: 'sub_1', creation: null });
const update: Update = { name: 'change', id: 'sub_1/change/1', args: [] };

const rejected = (type: string) =>
  new WorkflowUpdateFailedError('failed', ApplicationFailure.nonRetryable('', type));
/** As the server answers over gRPC, bare or as the SDK wraps it. */
const grpc = (code: number) => Object.assign(new Error('grpc'), { code, details: '', metadata: {} });
const wrapped = (code: number) => new ServiceError('Update-With-Start failed', { cause: grpc(code) });

let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => jest.restoreAllMocks());

/** Answers with `answers` one after the other, each after `takesMs`; the last for ever. */
function askWith(answers: unknown[], recovery?: Recovery, takesMs = 10) {
  const asked: string[] = [];
  const client: UpdatingClient = {
    async updateWithStart<Result>(_start: object, { id }: Update) {
      asked.push(id);
      nowMs += takesMs;
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return answer as Result;
    },
  };
  const answered = requestUpdate<string>(client, pino({ level: 'silent' }), start, update, {}, recovery);
  return { asked, answered };
}

it.each([
  ['a rejection of what no worker took', rejected('UnprocessedUpdate')],
  ['the end of a run', rejected('AcceptedUpdateCompletedWorkflow')],
  ['too many updates in flight', grpc(8)],
  ['the same, as the SDK wraps it', wrapped(8)],
  ['a run that is closing', wrapped(5)],
])('W5: after %s the same update is asked again', async (_, error) => {
  const { asked, answered } = askWith([error, error, 'done']);
  expect(await answered).toBe('done');
  expect(asked).toEqual([update.id, update.id, update.id]);
});

it('W5: what is not taken for as long as a caller waits is 429, and named as to be read', async () => {
  const { asked, answered } = askWith([wrapped(8)], 'read', 3_000);
  await expect(answered).rejects.toMatchObject({
    code: 'too_many_requests',
    status: 429,
    detail:
      'Too much is being asked of Subscription sub_1 at once; whether it was done is open: read it before you ask again.',
  });
  // Each call took 3 s of the 15: a fifth one might be cut short, and its outcome would be open.
  expect(asked).toHaveLength(4);
});

it.each<[Recovery, RegExp]>([
  ['read', /read it before you ask again\.$/],
  ['same_key', /ask again with the same Idempotency-Key\.$/],
])('W5: no answer is asked once, is 503, and names what the call has: %s', async (recovery, detail) => {
  const { asked, answered } = askWith([wrapped(4)], recovery);
  await expect(answered).rejects.toMatchObject({
    code: 'unavailable',
    detail: expect.stringMatching(detail),
  });
  expect(asked).toHaveLength(1);
});

it('a refusal of the workflow is final', async () => {
  const { asked, answered } = askWith([rejected('subscription_final')]);
  await expect(answered).rejects.toMatchObject({ code: 'subscription_final' });
  expect(asked).toHaveLength(1);
});
