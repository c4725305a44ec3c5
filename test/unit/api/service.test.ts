/** What the service says about itself: alive, ready, documented; and what it says when PostgreSQL is away. */
import { sharedReadiness } from '../../../api/http/readiness';
import type { Readiness } from '../../../contracts/http/service';
import { problems } from '../../../contracts/problems';
import { testApp, type TestApp } from './test-app';

let app: TestApp;
afterEach(() => {
  jest.restoreAllMocks();
  return app.end();
});

test('it is alive whatever is away', async () => {
  app = await testApp();
  const alive = await app.get('/healthz');
  expect(alive.status).toBe(200);
  expect(await alive.json()).toEqual({ status: 'ok' });
});

describe('readiness', () => {
  const allParts = ['postgres', 'kafka', 'temporal', 'topics'];
  const up = () => Promise.resolve();

  test('all parts up', async () => {
    app = await testApp({
      readiness: allParts.map((name) => ({ name, check: up })),
    });
    const ready = await app.get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({
      status: 'ready',
      parts: allParts.map((name) => ({ name, state: 'up', reason: null })),
    });
  });

  test('each part that is down is named with its reason, without its secrets', async () => {
    app = await testApp({
      readiness: [
        {
          name: 'postgres',
          check: () => Promise.reject(new Error('postgresql://me:hidden@db:5432 refused')),
        },
        {
          name: 'kafka',
          check() {
            throw new Error('no broker');
          },
        },
        { name: 'temporal', check: up },
        // oxlint-disable-next-line prefer-promise-reject-errors -- foreign code rejects with anything
        { name: 'topics', check: () => Promise.reject('a bare text') },
      ],
    });
    const ready = await app.get('/readyz');
    expect(ready.status).toBe(503);
    const body = (await ready.json()) as Readiness;
    expect(body.status).toBe('not_ready');
    expect(body.parts).toEqual([
      { name: 'postgres', state: 'down', reason: 'postgresql://[redacted]@db:5432 refused' },
      { name: 'kafka', state: 'down', reason: 'no broker' },
      { name: 'temporal', state: 'up', reason: null },
      { name: 'topics', state: 'down', reason: 'a bare text' },
    ]);
  });

  test('parts that hang are down after 2 s, all at once', async () => {
    const check = () => new Promise<void>(() => undefined);
    app = await testApp({
      readiness: allParts.map((name) => ({ name, check })),
    });
    const startedMs = performance.now();
    const body = (await (await app.get('/readyz')).json()) as Readiness;
    expect(performance.now() - startedMs).toBeLessThan(3_500);
    expect(body.parts.map(({ reason }) => reason)).toEqual(allParts.map(() => 'no answer within 2000 ms'));
  });
});

describe('I9: readiness that many ask for', () => {
  it.each([
    ['there', () => Promise.resolve(), 200],
    ['down', () => Promise.reject(new Error('no broker')), 503],
  ])(
    'asks a part that is %s once for all of them, and again after a second',
    async (_name, state, status) => {
      let asked = 0;
      const check = () => {
        asked += 1;
        return state();
      };
      // The calls take a moment: longer than a second on a busy machine.
      jest.spyOn(performance, 'now').mockReturnValue(0);
      app = await testApp({ readiness: [{ name: 'kafka', check }] });
      const answers = await Promise.all(Array.from({ length: 60 }, () => app.get('/readyz')));
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]));
      expect(asked).toBe(1);
      await app.get('/readyz');
      expect(asked).toBe(1);
    },
  );

  it('asks again a second after the last answer, not while a round runs', async () => {
    let nowMs = 0;
    let asked = 0;
    const check = () => Promise.resolve(void (asked += 1));
    const ask = sharedReadiness([{ name: 'kafka', check }], () => nowMs);
    await Promise.all([ask(), ask()]);
    nowMs = 999;
    await ask();
    expect(asked).toBe(1);
    nowMs = 1_000;
    await ask();
    expect(asked).toBe(2);
  });
});

describe('documentation', () => {
  test('the root leads to it', async () => {
    app = await testApp();
    const root = await app.get('/');
    expect(root.status).toBe(302);
    expect(root.headers.get('location')).toBe('/docs');
  });

  test('everything that the page loads is ours, and no script is inline', async () => {
    app = await testApp();
    const page = await app.get('/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]* src=)[^>]*>|\son\w+=|https?:/i);
    expect(html).not.toMatch(/<style|\sstyle=/i);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    expect(policy).toMatch(/style-src 'self'(;|$)/);
    expect(policy).not.toContain('unsafe');
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(files).toHaveLength(4);
    for (const file of files) {
      const loaded = await app.get(file);
      expect([file, loaded.status]).toEqual([file, 200]);
      expect(loaded.headers.get('x-content-type-options')).toBe('nosniff');
      expect(loaded.headers.get('content-type')).toMatch(/css|javascript|png/);
    }
  });

  test('every problem explains itself where its type points', async () => {
    app = await testApp();
    for (const [code, { status, title }] of Object.entries(problems)) {
      const explained = await (await app.get(`/problems/${code}`)).json();
      expect(explained).toEqual({ code, status, title, text: expect.stringMatching(/\w{3}.*\.$/) });
    }
    expect((await app.get('/problems/none')).status).toBe(404);
    expect((await app.get('/problems/constructor')).status).toBe(404);
  });
});

test('with PostgreSQL away every call is 503, to be tried again, and the password stays hidden', async () => {
  app = await testApp();
  const authorization = 'Bearer pk_some-secret-that-nobody-can-look-up-now';
  for (const path of ['/plans', '/subscriptions/sub_1', '/api-keys']) {
    const unavailable = await app.get(path, { authorization });
    expect(unavailable.status).toBe(503);
    expect(unavailable.headers.get('retry-after')).toBe('2');
    expect(await unavailable.json()).toMatchObject({ code: 'unavailable', type: '/problems/unavailable' });
  }
  expect(app.logged.join('')).not.toMatch(/hidden-password|some-secret/);
});
