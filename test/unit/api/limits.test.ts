/** I9: limits of callers, by their rules; `test/integration/api/limits.test.ts` has them on a running API. */
import { Limits, noLimits } from '../../../access/limits';
import { addressClass, networkOf } from '../../../api/http/caller-address';
import type { TooManyRequests } from '../../../contracts/problem-error';

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

const given = (more: Partial<typeof noLimits>) => new Limits({ ...noLimits, ...more });

/** How many of so many requests are let in; each ends at once. */
async function letIn(limits: Limits, caller: string, requests: number): Promise<number> {
  let count = 0;
  for (let request = 0; request < requests; request += 1) {
    await limits.admit(caller).then(
      ({ release }) => {
        count += 1;
        release();
      },
      () => undefined,
    );
  }
  return count;
}
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    ({ code, retryAfterSeconds, headers }: TooManyRequests) => ({ code, retryAfterSeconds, headers }),
  );

describe('requests in a time', () => {
  it('are as many as the burst at once, and as many as the rate over time, of each caller', async () => {
    const limits = given({ requestsPerSecond: 50, burst: 100 });
    expect(await letIn(limits, 'key/a', 1_000)).toBe(100);
    expect(await letIn(limits, 'key/b', 10)).toBe(10);
    jest.advanceTimersByTime(1_999);
    expect(await letIn(limits, 'key/a', 1)).toBe(0);
    jest.advanceTimersByTime(1);
    expect(await letIn(limits, 'key/a', 1_000)).toBe(100);
  });

  it('say what is left, and when to ask again', async () => {
    const limits = given({ requestsPerSecond: 1, burst: 2 });
    const policy = { 'RateLimit-Limit': '2', 'RateLimit-Reset': '2', 'RateLimit-Policy': '2;w=2' };
    const { headers } = await limits.admit('key/a');
    expect(headers).toEqual({ ...policy, 'RateLimit-Remaining': '1' });
    await limits.admit('key/a');
    jest.advanceTimersByTime(500);
    expect(await refusalOf(limits.admit('key/a'))).toEqual({
      code: 'too_many_requests',
      retryAfterSeconds: 2,
      headers: { ...policy, 'RateLimit-Remaining': '0' },
    });
  });

  it.each([
    [{ requestsPerSecond: 0, burst: 100 }, 1_000],
    [{ requestsPerSecond: 7, burst: 0 }, 7],
  ])('with %j are %i of 1000', async (settings, count) => {
    expect(await letIn(given(settings), 'key/a', 1_000)).toBe(count);
  });
});

describe('a limit that is used up', () => {
  it('is found so without counting, with the time that is left, until it holds again', async () => {
    const limits = given({ requestsPerSecond: 1, burst: 2, failedAuthenticationsPerMinute: 1 });
    expect(limits.usedUp.isAny()).toBe(false);
    await letIn(limits, 'key/a', 3);
    await limits.countFailure('b');
    await refusalOf(limits.requireFewFailures('b'));
    jest.advanceTimersByTime(1_500);
    expect(limits.usedUp.refusal('key/a')).toMatchObject({
      retryAfterSeconds: 1,
      headers: { 'RateLimit-Remaining': '0', 'RateLimit-Reset': '1' },
    });
    expect(limits.usedUp.refusal('failures/b')).toMatchObject({ retryAfterSeconds: 59, headers: {} });
    expect(limits.usedUp.refusal('key/b')).toBeNull();
    jest.advanceTimersByTime(500);
    expect(limits.usedUp.refusal('key/a')).toBeNull();
    expect(await letIn(limits, 'key/a', 3)).toBe(2);
  });
});

describe('requests in progress', () => {
  it('are bounded for each caller, and a slot is given back once', async () => {
    const limits = given({ inFlight: 2 });
    const [one] = await Promise.all([limits.admit('key/a'), limits.admit('key/a'), limits.admit('key/b')]);
    expect(await refusalOf(limits.admit('key/a'))).toMatchObject({ retryAfterSeconds: 1 });
    one.release();
    one.release();
    await limits.admit('key/a');
    expect(await refusalOf(limits.admit('key/a'))).toMatchObject({ code: 'too_many_requests' });
  });
});

describe('failed authentications', () => {
  it('of one address keep further ones out for a minute, and nobody else', async () => {
    const limits = given({ failedAuthenticationsPerMinute: 3 });
    for (const address of ['a', 'a', 'a', 'b', 'b']) await limits.countFailure(address);
    expect(await refusalOf(limits.requireFewFailures('a'))).toMatchObject({ retryAfterSeconds: 60 });
    expect(await refusalOf(limits.requireFewFailures('b'))).toBeNull();
    jest.advanceTimersByTime(60_000);
    expect(await refusalOf(limits.requireFewFailures('a'))).toBeNull();
  });

  it('know the tokens that were valid lately, a thousand at most', () => {
    const limits = given({});
    for (let token = 0; token <= 1_000; token += 1) limits.rememberToken(`t${token}`, 'key_1');
    expect([limits.knownKey('t0'), limits.knownKey('t1'), limits.knownKey('t1000')]).toEqual([
      undefined,
      'key_1',
      'key_1',
    ]);
  });
});

it.each([
  ['127.0.0.1', 'loopback', '127.0.0.1'],
  ['::1', 'loopback', '0:0:0:0::/64'],
  ['::ffff:127.0.0.1', 'loopback', '127.0.0.1'],
  ['10.1.2.3', 'private', '10.1.2.3'],
  ['172.31.255.255', 'private', '172.31.255.255'],
  ['172.32.0.0', 'public', '172.32.0.0'],
  ['100.64.0.1', 'private', '100.64.0.1'],
  ['fd00::1', 'private', 'fd00:0:0:0::/64'],
  ['fe80::1%eth0', 'private', 'fe80:0:0:0::/64'],
  ['203.0.113.9', 'public', '203.0.113.9'],
  ['2001:db8:0:1:2:3:4:5', 'public', '2001:db8:0:1::/64'],
  ['2001:db8::1:ffff:0:0:9', 'public', '2001:db8:0:1::/64'],
  ['unix', 'public', 'unknown'],
  [undefined, 'public', 'unknown'],
])('%s is %s, and counts as %s', (address, kind, network) => {
  expect([addressClass(address), networkOf(address)]).toEqual([kind, network]);
});
