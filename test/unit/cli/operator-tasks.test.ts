import type { Row } from '../../../cli/output';
import { operatorTaskCommands } from '../../../cli/commands/operator-tasks';

const task: Row = {
  id: 'opt_1',
  kind: 'unknown_outcome',
  subject: { type: 'payment', id: 'pay_1' },
  detail: 'Look.',
  status: 'open',
  created_at: '2027-01-01T00:00:00.000Z',
  resolved: null,
};

/** Runs a command against an API that gives one answer. */
async function run(name: string, args: string[], flags: Record<string, string>, answer: Row) {
  const asked: unknown[] = [];
  const call = async (...call: unknown[]): Promise<Row> => {
    asked.push(call);
    return answer;
  };
  const outcome = await operatorTaskCommands[name]?.run({ args, flags, isOn: () => false, call });
  return { asked, text: outcome?.text ?? '' };
}

describe('cli operator-tasks', () => {
  it('lists them with their subjects', async () => {
    const flags = { status: 'open', 'subject-id': 'pay_1' };
    const { asked, text } = await run('operator-tasks list', [], flags, { data: [task] });
    expect(asked).toEqual([['GET', '/operator-tasks?status=open&subject_id=pay_1']]);
    expect(text).toContain('payment pay_1');
    expect((await run('operator-tasks list', [], {}, { data: [] })).text).toBe('There are none.');
  });

  it('resolves one with reason, outcome and reference', async () => {
    const flags = { reason: 'asked', outcome: 'succeeded', 'provider-reference': 'ch_1' };
    const { asked } = await run('operator-tasks resolve', ['opt_1'], flags, task);
    const body = { reason: 'asked', outcome: 'succeeded', provider_reference: 'ch_1' };
    expect(asked).toEqual([['POST', '/operator-tasks/opt_1/resolve', body]]);
  });

  it('resolves nothing without a reason', async () => {
    await expect(run('operator-tasks resolve', ['opt_1'], {}, task)).rejects.toThrow('--reason is missing');
  });
});
