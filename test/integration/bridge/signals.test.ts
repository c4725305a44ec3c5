import { connect, createServer, type Server } from 'node:net';
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { lazyNativeTemporalClient, type TemporalClient } from '../../../bin/temporal';
import { signalWithStart, signalWorkflow } from '../../../temporal/signals';
import { loadConfig } from '../../../config';
import { until } from '../../support/until';

const temporalAddress = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
let temporal: TemporalClient;
let client: Client;
beforeAll(() => {
  temporal = clientAt(temporalAddress);
  client = temporal.client;
});
afterAll(() => temporal.close());

const clientAt = (address: string) => lazyNativeTemporalClient(loadConfig({ TEMPORAL_ADDRESS: address }));
const start = () => {
  const workflowId = `sleeper/${randomUUID()}`;
  return {
    workflowType: 'sleeper',
    workflowId,
    taskQueue: 'nobody',
    args: [{ asked: 'at start' }] as [object],
  };
};
const within = <T>(work: () => Promise<T>) => client.withDeadline(Date.now() + 10_000, work);
const signals = async (workflowId: string) => {
  const { events } = await within(() => client.workflow.getHandle(workflowId).fetchHistory());
  return (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes ?? []);
};

describe('a signal on behalf of a record', () => {
  it('starts the workflow that it needs, and comes once however often the record does', async () => {
    const sleeper = start();
    const signal = { name: 'wake', args: [{ why: 'due' }], eventId: 'sub_1/v1' };
    await signalWithStart(client, sleeper, signal);
    await signalWithStart(client, sleeper, signal);
    await signalWorkflow(client, sleeper.workflowId, signal);
    expect(await signals(sleeper.workflowId)).toHaveLength(1);
    await signalWorkflow(client, sleeper.workflowId, { ...signal, eventId: 'sub_1/v2' });
    const reported = await signals(sleeper.workflowId);
    expect(reported).toHaveLength(2);
    const [payload] = reported[0]?.input?.payloads ?? [];
    expect(JSON.parse(Buffer.from(payload?.data ?? []).toString())).toEqual({ why: 'due' });
  });

  it('starts the workflow anew when the one that had it has ended', async () => {
    const sleeper = start();
    const signal = { name: 'wake', args: [], eventId: 'sub_1/v1' };
    await signalWithStart(client, sleeper, signal);
    const handle = client.workflow.getHandle(sleeper.workflowId);
    const { runId: ended } = await within(() => handle.describe());
    await within(() => handle.terminate());
    await signalWithStart(client, sleeper, signal);
    const { runId, status } = await within(() => handle.describe());
    expect([runId === ended, status.name]).toEqual([false, 'RUNNING']);
    expect(await signals(sleeper.workflowId)).toHaveLength(1);
  });

  it('to a workflow that does not run is an error', async () => {
    const unregistered = signalWorkflow(client, `sleeper/${randomUUID()}`, {
      name: 'wake',
      args: [],
      eventId: 'x',
    });
    await expect(unregistered).rejects.toThrow(/not found/i);
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
    const late = clientAt(`127.0.0.1:${frontPort}`);
    const sleeper = start();
    const signal = { name: 'wake', args: [], eventId: 'sub_1/v1' };
    await expect(signalWithStart(late.client, sleeper, signal)).rejects.toThrow(/connect|unavailable/i);
    await new Promise<void>((resolve) => front.listen(frontPort, '127.0.0.1', resolve));
    await until('it works', () =>
      signalWithStart(late.client, sleeper, signal).then(
        () => true,
        () => false,
      ),
    );
    expect(await signals(sleeper.workflowId)).toHaveLength(1);
    await late.close();
    front.close();
  });
});
