import { shippedPolicy } from '../../../domain/retry/policy';
import { fixedNow, useApi } from './test-api';

const given = useApi();

const document = { ladder: [{ after: 'P1D' }, { after: 'P2D' }], grace_days: 5, final_action: 'pause' };
const put = (id: string, body: object = document, headers: Record<string, string> = {}) =>
  given.ask('PUT', `/retry-policies/${id}`, { body, headers });

describe('the shipped policy', () => {
  test('is there before anybody wrote one, alone and in lists, and is not stored', async () => {
    const { status, headers, body } = await given.ask('GET', '/retry-policies/default');
    expect([status, headers['etag']]).toEqual([200, '"1"']);
    expect(body).toEqual({
      id: 'default',
      version: 1,
      ...shippedPolicy,
      created_at: null,
      actor: { kind: 'system', id: 'perennial', reason: null },
      warnings: [],
    });
    expect((await given.ask('GET', '/retry-policies/default?version=1')).body).toEqual(body);
    expect((await given.ask('GET', '/retry-policies/default/versions')).body.data).toEqual([body]);
    expect((await given.ask('GET', '/retry-policies')).body).toEqual({ data: [body], next_cursor: null });
    expect((await given.ask('GET', '/retry-policies/default?version=2')).status).toBe(404);
    expect(await given.db.retryPolicy.count()).toBe(0);
  });

  test('stays readable as version 1 when it is changed', async () => {
    const before = (await given.ask('GET', '/retry-policies/default')).body;
    const changed = await put('default', { ...shippedPolicy, grace_days: 21 });
    expect([changed.status, changed.body.version, changed.body.grace_days]).toEqual([200, 2, 21]);
    expect((await given.ask('GET', '/retry-policies/default?version=1')).body).toEqual(before);
    const { data } = (await given.ask('GET', '/retry-policies/default/versions')).body;
    expect(data.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
  });
});

describe('PUT /retry-policies/{id}', () => {
  test('makes version 1, then the next, with who wrote it, and keeps all of them', async () => {
    expect((await put('kept')).body).toMatchObject({
      id: 'kept',
      version: 1,
      created_at: fixedNow.toISOString(),
      actor: { kind: 'api_key', id: 'key_bootstrap' },
    });
    expect((await put('kept', { ...document, grace_days: 6 })).body.version).toBe(2);
    const first = await given.ask('GET', '/retry-policies/kept?version=1');
    expect([first.headers['etag'], first.body.grace_days]).toEqual(['"1"', 5]);
    expect((await given.ask('GET', '/retry-policies/kept')).body.grace_days).toBe(6);
  });

  test('with what is there already makes no version, whatever the order of its fields', async () => {
    await put('same');
    const again = await put('same', Object.fromEntries(Object.entries(document).toReversed()));
    expect([again.status, again.body.version]).toEqual([200, 1]);
    // Defaults said aloud are still the same document.
    const explicit = await put('same', { ...document, retry_manual_payments: false, by_category: {} });
    expect(explicit.body.version).toBe(1);
  });

  test('by two at once with one document makes one version, with two documents two', async () => {
    const same = await Promise.all(Array.from({ length: 8 }, () => put('raced')));
    expect(same.map(({ body }) => body.version)).toEqual(Array.from({ length: 8 }, () => 1));
    const different = await Promise.all(
      [6, 7, 8, 9].map((grace_days) => put('raced', { ...document, grace_days })),
    );
    expect(different.map(({ body }) => body.version).sort((a, b) => a - b)).toEqual([2, 3, 4, 5]);
  });

  test('under If-Match changes the version that was read, and no other', async () => {
    await put('matched');
    const next = { ...document, grace_days: 7 };
    expect((await put('matched', next, { 'if-match': '"1"' })).body.version).toBe(2);
    const late = await put('matched', { ...document, grace_days: 8 }, { 'if-match': '"1"' });
    expect([late.status, late.body.code, late.body.detail]).toEqual([
      412,
      'version_mismatch',
      'It is at version 2 now.',
    ]);
    expect((await put('unmade', document, { 'if-match': '"1"' })).status).toBe(412);
    expect((await put('matched', document, { 'if-match': 'one' })).body.errors[0].path).toBe('If-Match');
    expect((await put('matched', document, { 'if-match': '*' })).body.version).toBe(3);
  });

  test('answers what is allowed and perhaps not meant', async () => {
    const { status, body } = await put('warned', { ...document, grace_days: 2 });
    expect([status, body.warnings[0].path]).toEqual([200, 'ladder.1.after']);
    expect((await given.ask('GET', '/retry-policies/warned')).body.warnings).toEqual(body.warnings);
  });

  test('refuses a bad document with the path of each mistake, and stores nothing', async () => {
    const bad = { ...document, ladder: [], by_category: { soft: { prefer_local_hours: [9, 9] } } };
    const { status, body } = await put('bad', bad);
    expect([status, body.errors.map(({ path }: { path: string }) => path)]).toEqual([
      422,
      ['ladder', 'by_category.soft.prefer_local_hours'],
    ]);
    expect((await given.ask('GET', '/retry-policies/bad')).status).toBe(404);
  });

  test('needs the scope operator, as every call here', async () => {
    const secret = await given.keyWith('catalog:write', 'subscriptions:write', 'payments:write');
    for (const [method, path] of [
      ['GET', '/retry-policies'],
      ['GET', '/retry-policies/default'],
      ['GET', '/retry-policies/default/versions'],
      ['PUT', '/retry-policies/default'],
      ['POST', '/retry-policies/default/preview'],
    ] as const) {
      expect((await given.ask(method, path, { secret })).status).toBe(403);
    }
  });
});

describe('lists', () => {
  test('go through every policy in the order of ids, and through every version, newest first', async () => {
    for (const id of ['a-first', 'z-last']) await put(id);
    for (const grace_days of [6, 7]) await put('z-last', { ...document, grace_days });
    const walk = async (path: string, field: string) => {
      const seen: unknown[] = [];
      let cursor = '';
      do {
        const { body } = await given.ask('GET', `${path}?limit=2${cursor}`);
        seen.push(...body.data.map((one: Record<string, unknown>) => one[field]));
        cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
      } while (cursor !== '');
      return seen as string[];
    };
    const ids = await walk('/retry-policies', 'id');
    expect(ids).toEqual(ids.toSorted());
    expect(ids).toEqual(expect.arrayContaining(['a-first', 'default', 'z-last']));
    expect(new Set(ids).size).toBe(ids.length);
    expect(await walk('/retry-policies/z-last/versions', 'version')).toEqual([3, 2, 1]);
    expect((await given.ask('GET', '/retry-policies/nobody/versions')).status).toBe(404);
    expect((await given.ask('GET', '/retry-policies?cursor=x')).body.code).toBe('malformed_cursor');
  });
});

describe('POST /retry-policies/{id}/preview', () => {
  const preview = (id: string, body: object) => given.ask('POST', `/retry-policies/${id}/preview`, { body });

  test('answers every date with its reason, in UTC and on the customer’s clock', async () => {
    await put('shown', {
      ...document,
      by_category: { insufficient_funds: { prefer_local_hours: [8, 11] } },
      notify: { on_failure: true, before_final_days: [1] },
    });
    const { status, body } = await preview('shown', {
      category: 'insufficient_funds',
      failed_at: '2027-03-26T12:00:00Z',
      time_zone: 'Europe/Berlin',
      network: 'Visa',
    });
    expect(status).toBe(200);
    // Summer time begins in Berlin on 28 March 2027.
    expect(body).toEqual({
      policy_id: 'shown',
      version: 1,
      entries: [
        {
          kind: 'attempt',
          at: '2027-03-28T06:00:00.000Z',
          local: '2027-03-28T08:00:00+02:00',
          reason: 'retry 1 of 2, P1D after the first failure; moved to the preferred hours 8 to 11',
        },
        {
          kind: 'attempt',
          at: '2027-03-29T06:00:00.000Z',
          local: '2027-03-29T08:00:00+02:00',
          reason: 'retry 2 of 2, P2D after the first failure; moved to the preferred hours 8 to 11',
        },
        {
          kind: 'reminder',
          at: '2027-03-30T11:00:00.000Z',
          local: '2027-03-30T13:00:00+02:00',
          reason: '1 day before the final action',
        },
        {
          kind: 'final_action',
          at: '2027-03-31T11:00:00.000Z',
          local: '2027-03-31T13:00:00+02:00',
          reason: 'pause: the grace period of 5 days ends; no retry is left',
        },
      ],
    });
  });

  test('begins now, in UTC, with an unknown network, when it is told no more', async () => {
    const { body } = await preview('default', { category: 'processing_error' });
    expect(body.entries[0].at).toBe('2027-01-15T12:15:00.000Z');
    expect(body.entries.filter(({ kind }: { kind: string }) => kind === 'attempt')).toHaveLength(3);
  });

  test.each([
    ['hard', ['reminder', 'reminder', 'final_action']],
    ['authentication_required', ['reminder', 'reminder', 'final_action']],
    ['soft', ['attempt', 'attempt', 'attempt', 'attempt', 'reminder', 'reminder', 'final_action']],
  ])('of the category %s', async (category, kinds) => {
    const { body } = await preview('default', { category });
    expect(body.entries.map(({ kind }: { kind: string }) => kind)).toEqual(kinds);
  });

  test('counts earlier attempts against the network’s budget', async () => {
    const failed_at = '2027-03-02T12:00:00Z';
    const earlier_attempts = Array.from({ length: 20 }, () => '2027-02-08T00:00:00Z');
    const { body } = await preview('default', {
      category: 'soft',
      failed_at,
      network: 'visa',
      earlier_attempts,
    });
    expect(body.entries[0]).toMatchObject({ kind: 'attempt', at: '2027-03-10T00:00:00.000Z' });
    expect(body.entries[0].reason).toContain('visa allows 20 attempts in 30 days');
    const later = await preview('default', {
      category: 'soft',
      failed_at,
      earlier_attempts: ['2027-03-02T12:00:01Z'],
    });
    expect([later.status, later.body.errors[0].path]).toEqual([422, 'earlier_attempts.0']);
  });

  test('refuses what it cannot play, and changes nothing', async () => {
    for (const [body, path] of [
      [{}, 'category'],
      [{ category: 'cheese' }, 'category'],
      [{ category: 'soft', time_zone: 'Mars/Olympus' }, 'time_zone'],
      [{ category: 'soft', failed_at: 'today' }, 'failed_at'],
    ] as const) {
      const refused = await preview('default', body);
      expect([refused.status, refused.body.errors[0].path]).toEqual([422, path]);
    }
    expect((await preview('nobody', { category: 'soft' })).status).toBe(404);
  });
});
