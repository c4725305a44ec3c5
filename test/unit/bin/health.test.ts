import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Health } from '../../../bin/health';
import { watchWorker } from '../../../bin/worker-health';

describe('health: a process', () => {
  let nowMs = 0;
  let health: Health;
  let server: Server;
  beforeEach(async () => {
    nowMs = 0;
    health = new Health(() => nowMs);
    server = createServer((request, response) => {
      if (!health.answer(request.url, response)) response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => void server.close());

  async function ask(path: string) {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
    return { status: response.status, body: await response.text() };
  }

  it('is alive from the first, and ready between its start and its end', async () => {
    expect((await ask('/healthz')).status).toBe(200);
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('starting') });
    const part = health.started();
    expect((await ask('/readyz')).status).toBe(200);
    await part.close();
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('closing') });
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/other')).status).toBe(404);
  });

  it('is not ready while one part has a fault or does not answer, and names it', async () => {
    health.add('relay', () => null);
    health.add('payment-service', () => 'it failed 3 times within 60 s');
    health.add('temporal', () => Promise.reject(new Error('postgresql://user:hidden@host is down')));
    health.started();
    const { status, body } = await ask('/readyz');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({
      parts: [
        { name: 'relay', state: 'up' },
        { name: 'payment-service', state: 'down', reason: 'it failed 3 times within 60 s' },
        { name: 'temporal', state: 'down' },
      ],
    });
    expect(body).not.toContain('hidden');
  });

  it('asks its parts once for all who ask within a second', async () => {
    let asked = 0;
    health.add('postgres', () => {
      asked += 1;
      return null;
    });
    health.started();
    await Promise.all(Array.from({ length: 20 }, () => ask('/readyz')));
    expect(asked).toBe(1);
    nowMs = 1_000;
    await ask('/readyz');
    expect(asked).toBe(2);
  });
});

describe('health: a worker', () => {
  const polling = {
    runState: 'RUNNING',
    workflowPollerState: 'POLLING',
    activityPollerState: 'POLLING',
    hasOutstandingWorkflowPoll: true,
    hasOutstandingActivityPoll: true,
  };
  const own = { workflow: ['other', 'me'], activity: ['me'] };

  async function faultWith(status: object, pollers: typeof own | Error = own): Promise<string | null> {
    const worker = {
      getStatus: () => ({ ...polling, ...status }),
      options: { identity: 'me', taskQueue: 'payment-service' },
    } as never;
    const pollersOf = () => (pollers instanceof Error ? Promise.reject(pollers) : Promise.resolve(pollers));
    const watch = watchWorker(worker, { pollersOf });
    try {
      return await watch.fault();
    } finally {
      watch.stop();
    }
  }

  it('that polls, and whose polls Temporal knows, has no fault', async () => {
    expect(await faultWith({})).toBeNull();
  });

  it.each([
    [{ runState: 'FAILED' }, 'it is FAILED'],
    [{ runState: 'DRAINING' }, 'it is DRAINING'],
    [{ workflowPollerState: 'FAILED' }, 'its workflow poller is FAILED'],
    [{ activityPollerState: 'SHUTDOWN' }, 'its activity poller is SHUTDOWN'],
    [{ hasOutstandingActivityPoll: false }, 'activity polls: it has not begun yet'],
  ])('with %j has the fault %j', async (status, fault) => {
    expect(await faultWith(status)).toBe(fault);
  });

  it('whose polls Temporal does not know has a fault, and so has one whose server does not answer', async () => {
    expect(await faultWith({}, { ...own, activity: ['other'] })).toBe(
      'Temporal knows no activity poll of it',
    );
    await expect(faultWith({}, new Error('deadline exceeded'))).rejects.toThrow('deadline exceeded');
  });
});
