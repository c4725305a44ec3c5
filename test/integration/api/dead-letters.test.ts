import { startProgram } from '../../support/processes';
import { adminSecret, useApi } from './test-api';

const given = useApi();

async function letter(id: string, value: Buffer | null = Buffer.from('not json')): Promise<void> {
  await given.db.deadLetter.create({
    data: {
      id,
      group: 'payment-service',
      topic: 'subscriptions.created',
      partition: 3,
      offset: BigInt(id.replace(/\D/g, '')),
      key: 'sub_a',
      value: value === null ? null : Uint8Array.from(value),
      headers: { 'content-type': 'application/json' },
      error_code: 'not_a_cloud_event',
      error: 'Unexpected token',
    },
  });
}

describe('dead letters', () => {
  it('are listed without their records and read with them, as text where they are text', async () => {
    await letter('dlr_1');
    await letter('dlr_2', Buffer.from([0xff, 0xfe]));
    const { body } = await given.ask('GET', '/dead-letters?group=payment-service&status=open');
    expect(body.data.map((one: { id: string }) => one.id).sort()).toEqual(['dlr_1', 'dlr_2']);
    expect(body.data[0]).not.toHaveProperty('value');
    const text = await given.ask('GET', '/dead-letters/dlr_1');
    expect(text.body).toMatchObject({ offset: '1', value: { encoding: 'text', data: 'not json' } });
    const bytes = await given.ask('GET', '/dead-letters/dlr_2');
    expect(bytes.body.value).toEqual({ encoding: 'base64', data: '//4=' });
  });

  it('are marked for the group’s bridge by a redrive', async () => {
    await letter('dlr_3');
    const { status, body } = await given.ask('POST', '/dead-letters/dlr_3/redrive', {
      body: { reason: 'fixed' },
    });
    expect([status, body.status]).toEqual([202, 'open']);
    expect(body.redrive_requested_at).not.toBeNull();
  });

  it('are discarded once, with actor and reason', async () => {
    await letter('dlr_4');
    const first = await given.ask('POST', '/dead-letters/dlr_4/discard', {
      body: { reason: 'a test record' },
    });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      status: 'discarded',
      resolved: { actor: { kind: 'api_key', id: 'key_bootstrap' }, reason: 'a test record' },
    });
    const again = await given.ask('POST', '/dead-letters/dlr_4/redrive', { body: { reason: 'sorry' } });
    expect([again.status, again.body.code]).toEqual([409, 'dead_letter_resolved']);
  });

  it('are redriven once, whoever asks for it at the same time', async () => {
    await letter('dlr_6');
    const other = await given.keyWith('operator');
    const replies = await Promise.all(
      [undefined, other].map((secret) =>
        given.ask('POST', '/dead-letters/dlr_6/redrive', { body: { reason: 'fixed' }, secret }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual([202, 202]);
    const marked = await given.db.deadLetter.findMany({
      where: { redrive_requested_at: { not: null }, id: 'dlr_6' },
    });
    expect(marked).toHaveLength(1);
  });

  it('are not discarded while a redrive is under way, and may be when it has failed', async () => {
    await letter('dlr_7');
    const discard = () => given.ask('POST', '/dead-letters/dlr_7/discard', { body: { reason: 'no use' } });
    await given.ask('POST', '/dead-letters/dlr_7/redrive', { body: { reason: 'fixed' } });
    const refused = await discard();
    expect([refused.status, refused.body.code]).toEqual([409, 'dead_letter_redriving']);
    await given.db.deadLetter.update({ where: { id: 'dlr_7' }, data: { redrive_requested_at: null } });
    expect((await discard()).status).toBe(200);
  });

  it('need a reason and the scope operator', async () => {
    await letter('dlr_5');
    const without = await given.ask('POST', '/dead-letters/dlr_5/discard', { body: {} });
    expect([without.status, without.body.errors[0].path]).toEqual([422, 'reason']);
    const secret = await given.keyWith('subscriptions:read');
    const refused = await given.ask('GET', '/dead-letters', { secret });
    expect(refused.status).toBe(403);
  });

  it('that nobody knows are not found', async () => {
    expect((await given.ask('GET', '/dead-letters/dlr_none')).status).toBe(404);
  });
});

describe('the command line', () => {
  const cli = (...args: string[]) =>
    startProgram('bin/cli.js', { API_URL: given.url, API_KEY: adminSecret }, args).ended;

  it('lists, shows, redrives and discards, and says by its exit code when it was refused', async () => {
    await letter('dlr_80');
    await letter('dlr_81');
    const listed = await cli('dead-letters', 'list', '--status', 'open');
    expect(listed.output).toMatch(/dlr_80[^\n]*not_a_cloud_event/);
    expect((await cli('dead-letters', 'show', 'dlr_80')).output).toContain('not json');
    const redriven = await cli('dead-letters', 'redrive', 'dlr_80', '--reason', 'fixed', '--json');
    expect(JSON.parse(redriven.output)).toMatchObject({ id: 'dlr_80', status: 'open' });
    const early = await cli('dead-letters', 'discard', 'dlr_80', '--reason', 'no use');
    expect([early.code, early.output]).toEqual([1, expect.stringContaining('dead_letter_redriving')]);
    const discarded = await cli('dead-letters', 'discard', 'dlr_81', '--reason', 'no use');
    expect([discarded.code, discarded.output]).toEqual([0, expect.stringContaining('discarded')]);
    const { body } = await given.ask('GET', '/dead-letters/dlr_81');
    expect(body).toMatchObject({ status: 'discarded', resolved: { reason: 'no use' } });
    expect((await cli('dead-letters', 'discard', 'dlr_81')).code).toBe(2);
  });
});
