import { connect, createServer, type Server } from 'node:net';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { connectLazily, type TemporalConnection } from '../../../temporal/connection';
import type { WorkflowClient } from '../../../temporal/client';
import { until } from '../../support/until';

const temporalAddress = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
let connection: Connection;
/** The SDK's own client, which shows what became of the workflows. */
let sdk: Client;
let temporal: TemporalConnection;
let client: WorkflowClient;
beforeAll(async () => {
  connection = await Connection.connect({ address: temporalAddress });
  sdk = new Client({ connection });
  temporal = connectTo(temporalAddress);
  client = temporal.workflows;
});
afterAll(async () => {
  await temporal.close();
  await connection.close();
});

const connectTo = (address: string) =>
  connectLazily({ address, namespace: 'default', tls: undefined, apiKey: undefined });
const start = () => ({
  workflowType: 'sleeper',
  workflowId: `sleeper/${randomUUID()}`,
  taskQueue: 'nobody',
  args: [{ asked: 'at start' }] as [object],
  summary: 'A sleeper',
});
const signals = async (workflowId: string) => {
  const { events } = await sdk.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes ?? []);
};

describe('a signal on behalf of a record', () => {
  it('starts the workflow that it needs, and comes once however often the record does', async () => {
    const sleeper = start();
    const signal = { name: 'wake', args: [{ why: 'due' }], eventId: 'sub_1/v1' };
    await client.signalWithStart(sleeper, signal);
    await client.signalWithStart(sleeper, signal);
    await client.signalIfRunning(sleeper.workflowId, signal);
    expect(await signals(sleeper.workflowId)).toHaveLength(1);
    await client.signalIfRunning(sleeper.workflowId, { ...signal, eventId: 'sub_1/v2' });
    const reported = await signals(sleeper.workflowId);
    expect(reported).toHaveLength(2);
    const [payload] = reported[0]?.input?.payloads ?? [];
    expect(JSON.parse(Buffer.from(payload?.data ?? []).toString())).toEqual({ why: 'due' });
  });

  it('starts the workflow anew when the one that had it has ended', async () => {
    const sleeper = start();
    const signal = { name: 'wake', args: [], eventId: 'sub_1/v1' };
    await client.signalWithStart(sleeper, signal);
    const handle = sdk.workflow.getHandle(sleeper.workflowId);
    const { runId: ended } = await handle.describe();
    await handle.terminate();
    await client.signalWithStart(sleeper, signal);
    const { runId, status } = await handle.describe();
    expect([runId === ended, status.name]).toEqual([false, 'RUNNING']);
    expect(await signals(sleeper.workflowId)).toHaveLength(1);
  });

  it('reports that the workflow does not run', async () => {
    const signal = { name: 'wake', args: [], eventId: 'x' };
    const sleeper = start();
    expect(await client.signalIfRunning(sleeper.workflowId, signal)).toBe(false);
    await client.start(sleeper);
    expect(await client.signalIfRunning(sleeper.workflowId, signal)).toBe(true);
  });
});

describe('a signal without an event behind it', () => {
  it('comes as often as it is sent', async () => {
    const sleeper = start();
    await client.signalWithStart(sleeper, { name: 'wake', args: [] });
    await client.signalWithStart(sleeper, { name: 'wake', args: [] });
    await client.signalIfRunning(sleeper.workflowId, { name: 'wake', args: [] });
    expect(await signals(sleeper.workflowId)).toHaveLength(3);
  });
});

describe('a workflow', () => {
  it('that runs counts as started', async () => {
    const sleeper = start();
    await client.start(sleeper);
    const { runId } = await sdk.workflow.getHandle(sleeper.workflowId).describe();
    await client.start(sleeper);
    expect((await sdk.workflow.getHandle(sleeper.workflowId).describe()).runId).toBe(runId);
  });

  it.each([
    ['a start', (sleeper: ReturnType<typeof start>) => client.start(sleeper)],
    [
      'a signal',
      (sleeper: ReturnType<typeof start>) => client.signalWithStart(sleeper, { name: 'wake', args: [] }),
    ],
  ])('has its summary and its input from %s', async (_name, begin) => {
    const sleeper = start();
    await begin(sleeper);
    const handle = sdk.workflow.getHandle(sleeper.workflowId);
    expect(await (await handle.describe()).staticSummary()).toBe('A sleeper');
    const [started] = (await handle.fetchHistory()).events ?? [];
    const [payload] = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    expect(JSON.parse(Buffer.from(payload?.data ?? []).toString())).toEqual({ asked: 'at start' });
  });

  it('is among the running ones until it ends', async () => {
    const [running, ended, absent] = [start(), start(), start()];
    await client.start(running);
    await client.start(ended);
    await sdk.workflow.getHandle(ended.workflowId).terminate();
    const ids = [running, ended, absent].map(({ workflowId }) => workflowId);
    await until('Temporal lists it', async () => {
      const found = await client.runningOf(ids);
      return found.size === 1 && found.has(running.workflowId);
    });
    expect(await client.countRunning('sleeper')).toBeGreaterThan(0);
    expect(await client.runningOf([])).toEqual(new Set());
  });
});

describe('a schedule', () => {
  it('is created once, and can be triggered', async () => {
    const { workflowId, workflowType, taskQueue } = start();
    await client.ensureSchedule({ workflowId, workflowType, taskQueue }, 3_600_000);
    await client.ensureSchedule({ workflowId, workflowType, taskQueue }, 3_600_000);
    await client.triggerSchedule(workflowId);
    const handle = sdk.schedule.getHandle(workflowId);
    await until('it has started a round', async () => (await handle.describe()).info.numActionsTaken === 1);
    await handle.delete();
  });

  it('that does not exist cannot be triggered', async () => {
    await expect(client.triggerSchedule(`none/${randomUUID()}`)).rejects.toMatchObject({
      name: 'ScheduleNotFoundError',
    });
  });
});

describe('the client of the bridge', () => {
  it('fails while Temporal is away and works once it is there', async () => {
    const [host = '', port = ''] = temporalAddress.split(':');
    const front: Server = createServer((socket) => {
      const behind = connect(Number(port), host);
      for (const end of [socket, behind]) end.on('error', () => undefined);
      socket.pipe(behind).pipe(socket);
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const { port: frontPort } = front.address() as { port: number };
    await new Promise((resolve) => front.close(resolve));
    const late = connectTo(`127.0.0.1:${frontPort}`);
    const sleeper = start();
    const signal = { name: 'wake', args: [], eventId: 'sub_1/v1' };
    await expect(late.workflows.signalWithStart(sleeper, signal)).rejects.toThrow(/connect|unavailable/i);
    await new Promise<void>((resolve) => front.listen(frontPort, '127.0.0.1', resolve));
    await until('it works', () =>
      late.workflows.signalWithStart(sleeper, signal).then(
        () => true,
        () => false,
      ),
    );
    expect(await signals(sleeper.workflowId)).toHaveLength(1);
    await late.close();
    front.close();
  });
});
