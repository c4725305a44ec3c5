/** The jobs that exist once for all, as operators see and steer them. */
import { schedulerCommands } from '../../../cli/commands/scheduler';
import type { Row } from '../../../cli/output';
import { publishDue } from '../../../billing/renewal/publish-due';
import { useApi, planOf } from './test-api';
import { writeRows } from './subscription-rows';

const schedule = { renewalsPerSecond: 0, shards: 1, tickMs: 5_000 };
const api = useApi();
let id: string;
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
  await api.ask('POST', '/customers', { body: { id: 'ada' } });
  await api.ask('POST', '/customers/ada/payment-methods', { body: { provider: 'sandbox', token: 'tok_ok' } });
  api.process.onCreate = async (creation) => {
    await writeRows(api.db, creation, 'active', 'completed');
    return 'concluded';
  };
  id = (await api.ask('POST', '/subscriptions', { body: { customer_id: 'ada', plan_id: 'gold' } })).body.id;
});
beforeEach(() => setDue('2027-01-01T00:00:00.000Z', null));

/** The database's clock is real: due, and long since. */
const setDue = (at: string, announced: number | null) =>
  api.db.subscription.update({
    where: { id },
    data: {
      period_end: new Date('2026-01-01T00:00:00.000Z'),
      next_due_at: new Date(at === 'never' ? '2126-01-01T00:00:00.000Z' : '2026-01-01T00:00:00.000Z'),
      announced_version: announced,
    },
  });
const announced = () =>
  api.db.outboxEvent.findMany({ where: { topic: 'subscriptions.renew_required', key: id } });

async function cli(
  name: string,
  flags: Record<string, string> = {},
  switches: string[] = [],
): Promise<string> {
  const call = async (method: string, path: string, body?: object): Promise<Row> =>
    (await api.ask(method, path, { body })).body as Row;
  const command = schedulerCommands[name];
  if (command === undefined) throw new Error(`there is no ${name}`);
  const isOn = (option: string) => switches.includes(option);
  return (await command.run({ args: [], flags, isOn, call })).text;
}

describe('the renewal scheduler', () => {
  it('shows what is due; paused, it announces nothing until it is resumed', async () => {
    expect((await api.ask('GET', '/renewal-scheduler')).body).toMatchObject({
      paused: null,
      due: 1,
      oldest_due_at: '2026-01-01T00:00:00.000Z',
    });
    expect(await cli('scheduler pause', { reason: 'the provider is ill' })).toContain('the provider is ill');
    expect(await publishDue(api.db, schedule, 0)).toMatchObject({
      paused: true,
      published: 0,
      wait_ms: 5_000,
    });
    expect(await announced()).toHaveLength(0);
    const again = await api.ask('POST', '/renewal-scheduler/pause', { body: { reason: 'another' } });
    expect(again.body.paused.actor).toMatchObject({ id: 'key_bootstrap', reason: 'the provider is ill' });
    await cli('scheduler resume', { reason: 'it is well' });
    expect(await publishDue(api.db, schedule, 0)).toMatchObject({ paused: false, published: 1 });
    expect(await announced()).toMatchObject([{ event_id: `${id}/period/2/v1` }]);
    expect(await publishDue(api.db, schedule, 0)).toMatchObject({ published: 0 });
    const actions = await api.db.auditLog.findMany({ where: { action: { contains: 'renewal-scheduler' } } });
    expect(actions.map(({ actor }) => (actor as { reason: string }).reason)).toEqual([
      'the provider is ill',
      'another',
      'it is well',
    ]);
  });

  it('needs a reason and the operator’s scope', async () => {
    expect((await api.ask('POST', '/renewal-scheduler/pause', { body: {} })).status).toBe(422);
    const secret = await api.keyWith('subscriptions:write');
    expect(
      (await api.ask('POST', '/renewal-scheduler/pause', { body: { reason: 'x' }, secret })).status,
    ).toBe(403);
    await expect(cli('scheduler pause')).rejects.toThrow(/--reason/);
  });
});

describe('the reconciliation', () => {
  it('tells in a dry run what it would send on its way, and changes nothing', async () => {
    await setDue('2026', 1);
    await api.db.subscription.update({
      where: { id },
      data: { updated_at: new Date('2026-01-01T00:00:00Z') },
    });
    await api.db.outboxEvent.updateMany({ data: { published_at: new Date('2026-01-01T00:00:00Z') } });
    expect((await api.ask('GET', '/reconciliation')).body.data).toEqual([
      { predicate: 'due_not_opened', count: 1, subjects: [{ type: 'subscription', id }] },
    ]);
    expect(await cli('reconcile', {}, ['dry-run'])).toMatch(new RegExp(`due_not_opened +1 +${id}`));
    await setDue('never', 1);
    expect(await cli('reconcile', {}, ['dry-run'])).toBe('All is quiet.');
    expect(api.process.rounds).toBe(0);
  });

  it('starts a round when an operator says why', async () => {
    await cli('reconcile', { reason: 'after the outage' });
    expect(api.process.rounds).toBe(1);
    await expect(cli('reconcile')).rejects.toThrow(/--dry-run only looks/);
  });
});
