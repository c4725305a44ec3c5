/** One key, one charge, one answer: under concurrency, over two processes, and when a process is killed. */
import fc from 'fast-check';
import type { SandboxDeps } from '../../../providers/sandbox/server';
import {
  dropDatabase,
  eventually,
  freshDatabaseUrl,
  spawnSandbox,
  startSandbox,
  withClient,
  type RunningSandbox,
  type SandboxProcess,
} from './running-sandbox';

const databaseUrl = freshDatabaseUrl();
let sandbox: RunningSandbox;
let other: RunningSandbox;
// All of them are stopped at the end, so that a test that fails leaves nothing running.
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  // Two at once, while there is neither database nor table.
  [sandbox, other] = await Promise.all([started(), started()]);
});
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await dropDatabase(databaseUrl);
});

async function started(deps: Partial<SandboxDeps> = {}): Promise<RunningSandbox> {
  const running = await startSandbox(databaseUrl, deps);
  stops.push(running.stop);
  return running;
}

async function spawned(): Promise<SandboxProcess> {
  const process = await spawnSandbox(databaseUrl);
  stops.push(process.kill);
  return process;
}

async function rowsOf(key: string): Promise<number> {
  return withClient(databaseUrl, async (client) => {
    const { rowCount } = await client.query('SELECT FROM charges WHERE idempotency_key = $1', [key]);
    return rowCount ?? 0;
  });
}

/** Looks without asking the provider: a request with the key, should it arrive first, would be the first. */
async function inProgress(key: string): Promise<void> {
  const keyIsLocked = `SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)`;
  await withClient(databaseUrl, (client) =>
    eventually(
      () => client.query(keyIsLocked, [key]),
      ({ rowCount }) => rowCount === 1,
    ),
  );
}

test.each(['tok_ok', 'tok_insufficient_funds', 'tok_fail_1_then_ok', 'tok_pending_then_ok'])(
  'the first answer to a key is kept for ever (%s)',
  async (token) => {
    const first = await sandbox.charge(`kept/${token}`, token);
    const second = await other.charge(`kept/${token}`, token);

    expect(second.body).toEqual(first.body);
    expect(second.httpStatus).toBe(first.httpStatus);
    expect([first, second].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
    expect(await rowsOf(`kept/${token}`)).toBe(1);
  },
);

test.each([
  ['amount', { amount: 1501 }],
  ['currency', { currency: 'USD' }],
  ['off_session', { off_session: false }],
  ['metadata', { metadata: { payment_id: 'pay_other' } }],
])('the same key with another %s is refused, and nothing is charged', async (field, changed) => {
  await sandbox.charge(`reused/${field}`, 'tok_ok', { metadata: { payment_id: 'pay_1' } });

  const fields = { metadata: { payment_id: 'pay_1' }, ...changed };
  expect(await sandbox.chargeCode(`reused/${field}`, 'tok_ok', fields)).toBe('idempotency_key_reused');
  expect(await sandbox.charges(`idempotency_key=reused/${field}`)).toMatchObject([{ amount: 1500 }]);
});

test('the same key with another token is refused, and does not count for that token', async () => {
  await sandbox.charge('reused/token', 'tok_ok');

  expect(await sandbox.chargeCode('reused/token', 'tok_fail_1_then_ok#reused')).toBe(
    'idempotency_key_reused',
  );
  expect((await sandbox.charge('counts/1', 'tok_fail_1_then_ok#reused')).body.status).toBe('failed');
});

test('the order of fields makes no other request', async () => {
  const headers = { 'idempotency-key': 'order/1' };
  const one = { amount: 1, currency: 'EUR', token: 'tok_ok', metadata: { payment_id: 'p', attempt: 1 } };
  const two = { metadata: { attempt: 1, payment_id: 'p' }, token: 'tok_ok', currency: 'EUR', amount: 1 };
  const first = await sandbox.ask('POST', '/v1/charges', one, headers);

  expect((await sandbox.ask('POST', '/v1/charges', two, headers)).body).toEqual(first.body);
});

test('50 requests with one key at once, over two processes, make one charge', async () => {
  const token = 'tok_fail_1_then_ok#stampede';
  const codes = await Promise.all(
    Array.from({ length: 50 }, (_, i) => (i % 2 ? sandbox : other).chargeCode('stampede/1', token)),
  );

  expect(await rowsOf('stampede/1')).toBe(1);
  // Undefined stands for an answer.
  expect(codes.filter((code) => code !== undefined && code !== 'idempotency_key_in_progress')).toEqual([]);
  expect(codes).toContain(undefined);
  // Counted once, so the next charge of the token is the second.
  expect((await sandbox.charge('stampede/2', token)).body.status).toBe('succeeded');
});

test('a key that is being processed is refused by every process, then answered', async () => {
  await sandbox.control({ latency_ms: 60_000 });
  const first = sandbox.charge('progress/1', 'tok_ok').catch(() => 'cut');
  await inProgress('progress/1');
  expect(await sandbox.chargeCode('progress/1', 'tok_ok')).toBe('idempotency_key_in_progress');
  expect(await other.chargeCode('progress/1', 'tok_ok')).toBe('idempotency_key_in_progress');
  expect(await rowsOf('progress/1')).toBe(0);

  // A provider that stops drops what it has not charged yet, and its keys with it.
  await sandbox.close();
  expect(await first).toBe('cut');
  sandbox = await started();
  expect((await other.charge('progress/1', 'tok_ok')).body.status).toBe('succeeded');
  expect(await rowsOf('progress/1')).toBe(1);
});

test('killed after charging and before answering: the same key gets the kept answer', async () => {
  const doomed = await spawned();
  await doomed.control({ hold_answers: true });
  const lost = doomed.charge('killed/1', 'tok_fail_1_then_ok#killed').catch(() => 'cut');
  await eventually(
    () => rowsOf('killed/1'),
    (rows) => rows === 1,
  );
  await doomed.kill();
  expect(await lost).toBe('cut');

  const restarted = await spawned();
  const answer = await restarted.charge('killed/1', 'tok_fail_1_then_ok#killed');
  expect(answer.body.status).toBe('failed');
  expect(answer.headers.get('idempotent-replayed')).toBe('true');
  expect(await rowsOf('killed/1')).toBe(1);
});

test('killed while a key is in progress: the key is free again and charged once', async () => {
  const doomed = await spawned();
  await doomed.control({ latency_ms: 60_000 });
  const lost = doomed.charge('killed/2', 'tok_ok').catch(() => 'cut');
  await inProgress('killed/2');
  expect(await doomed.chargeCode('killed/2', 'tok_ok')).toBe('idempotency_key_in_progress');
  expect(await other.chargeCode('killed/2', 'tok_ok')).toBe('idempotency_key_in_progress');
  await doomed.kill();
  expect(await lost).toBe('cut');

  await eventually(
    () => other.chargeCode('killed/2', 'tok_ok'),
    (code) => code === undefined,
  );
  expect(await rowsOf('killed/2')).toBe(1);
});

test('a process whose locks were lost cannot charge a key a second time, nor count it', async () => {
  const token = 'tok_fail_2_then_ok#lockless';
  let finishWaiting: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => (finishWaiting = resolve));
  const slow = await started({ sleep: () => waiting });
  await slow.control({ latency_ms: 1 });
  const charging = slow.charge('lockless/1', token);
  await inProgress('lockless/1');
  await withClient(databaseUrl, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks
       WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    ),
  );
  await eventually(
    () => other.chargeCode('lockless/1', token),
    (code) => code === undefined,
  );
  finishWaiting();

  const slowAnswer = await charging;
  expect(slowAnswer.body).toEqual((await other.charge('lockless/1', token)).body);
  expect(slowAnswer.headers.get('idempotent-replayed')).toBe('true');
  expect(await rowsOf('lockless/1')).toBe(1);
  // The lost session comes back by itself.
  expect((await slow.charge('lockless/2', token)).body.status).toBe('failed');
  expect((await slow.charge('lockless/3', token)).body.status).toBe('succeeded');
});

test('closing drops the answers that are held and keeps the charges', async () => {
  const closing = await started();
  await closing.control({ hold_answers: true });
  const held = closing.charge('closing/1', 'tok_ok').catch(() => 'cut');
  await eventually(
    () => rowsOf('closing/1'),
    (rows) => rows === 1,
  );
  await closing.close();

  expect(await held).toBe('cut');
  expect(closing.logged).toEqual([]);
  expect((await other.charge('closing/1', 'tok_ok')).body.status).toBe('succeeded');
});

test('any order of charges and technical repeats declines each token’s first N keys', async () => {
  const step = fc.record({ token: fc.constantFrom('a', 'b'), key: fc.integer({ min: 1, max: 6 }) });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 3 }), fc.array(step, { maxLength: 15 }), async (n, steps) => {
      run += 1;
      const keysInOrder: Record<string, number[]> = { a: [], b: [] };
      for (const { token, key } of steps) {
        const keys = (keysInOrder[token] ??= []);
        if (!keys.includes(key)) keys.push(key);
        const charged = await sandbox.charge(
          `run-${run}/${token}/${key}`,
          `tok_fail_${n}_then_ok#${run}${token}`,
        );
        expect(charged.body.status).toBe(keys.indexOf(key) < n ? 'failed' : 'succeeded');
      }
    }),
    { numRuns: 20, seed: 20270301 },
  );
});
