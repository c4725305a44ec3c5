import { bulkRetryCommands } from '../../../cli/commands/bulk-retries';
import type { Row } from '../../../cli/output';
import type { Outcome } from '../../../cli/command';

const run: Row = {
  id: 'brt_1',
  status: 'running',
  filter: { provider: 'sandbox' },
  reason: 'an outage',
  rate_per_second: 10,
  preview: null,
  progress: { total: 4, attempted: 1, refused: 0, remaining: 3 },
  decision: null,
  created_at: '2027-01-01T00:00:00.000Z',
};
const completed: Row = {
  ...run,
  status: 'completed',
  progress: { total: 4, attempted: 3, refused: 1, remaining: 0 },
};
const previewed: Row = {
  ...run,
  status: 'previewed',
  progress: null,
  preview: {
    count: 3,
    sums: [{ currency: 'EUR', amount: 2_250 }],
    refusals: [{ reason: 'hard_declined', count: 2 }],
  },
};

interface Given {
  args?: string[];
  flags?: Record<string, string>;
  on?: string[];
  /** What the API says, one after the other. */
  answers: Row[];
  isTTY?: boolean;
}

async function command(
  name: string,
  { args = [], flags = {}, on = [], answers, isTTY = false }: Given,
): Promise<Outcome & { asked: unknown[][]; screen: string }> {
  let screen = '';
  const asked: unknown[][] = [];
  const write = (text: string) => void (screen += text);
  const commands = bulkRetryCommands({
    screen: { isTTY, columns: 80, write },
    pause: () => Promise.resolve(),
  });
  const call = (...asking: unknown[]): Promise<Row> => {
    asked.push(asking);
    return Promise.resolve(answers.shift() ?? {});
  };
  const outcome = await commands[name]?.run({ args, flags, isOn: (option) => on.includes(option), call });
  if (outcome === undefined) throw new Error(`there is no ${name}`);
  return { ...outcome, asked, screen };
}

describe('cli bulk-retry', () => {
  it('previews with the filter alone', async () => {
    const flags = { categories: 'soft,expired_card', 'failed-from': 'T' };
    const { asked, text } = await command('bulk-retry preview', { flags, answers: [previewed] });
    const filter = { categories: ['soft', 'expired_card'], failed_from: 'T' };
    expect(JSON.parse(JSON.stringify(asked))).toEqual([
      ['POST', '/bulk-retries', { filter, reason: 'a preview', preview: true }],
    ]);
    expect(text).toContain('3 payments would be tried: 22.50 EUR');
    expect(text).toMatch(/hard_declined {2}2/);
  });

  it('starts with reason, rate and confirmation', async () => {
    const flags = { reason: 'an outage', rate: '50' };
    const { asked, screen } = await command('bulk-retry start', {
      flags,
      on: ['confirm-all'],
      answers: [run],
    });
    expect(JSON.parse(JSON.stringify(asked[0]?.[2]))).toEqual({
      filter: {},
      reason: 'an outage',
      rate_per_second: 50,
      preview: false,
      confirm_all: true,
    });
    expect(screen).toBe('');
  });

  it('draws one line again and again on a terminal until it is over', async () => {
    const flags = { reason: 'an outage', provider: 'sandbox' };
    const { asked, screen, answer } = await command('bulk-retry start', {
      flags,
      on: ['watch'],
      answers: [run, run, completed],
      isTTY: true,
    });
    expect(asked.slice(1)).toEqual([
      ['GET', '/bulk-retries/brt_1'],
      ['GET', '/bulk-retries/brt_1'],
    ]);
    expect(screen.split('\r\u001b[K')).toEqual([
      '',
      '[#####...............]  25 % running: 1 attempted, 0 refused, 3 of 4 remain',
      expect.stringMatching(/^\[#{20}\] 100 % completed: 3 attempted, 1 refused.*\n$/),
    ]);
    expect(answer).toEqual(completed);
  });

  it('prints plain lines elsewhere, one for each change', async () => {
    const { screen } = await command('bulk-retry show', {
      args: ['brt_1'],
      on: ['watch'],
      answers: [run, run, completed],
    });
    expect(screen).toBe(
      'running: 1 attempted, 0 refused, 3 of 4 remain\ncompleted: 3 attempted, 1 refused, 0 of 4 remain\n',
    );
  });

  it.each(['pause', 'resume', 'cancel'])('%s asks with the reason', async (name) => {
    const given = { args: ['brt_1'], flags: { reason: 'why' }, answers: [run] };
    const { asked } = await command(`bulk-retry ${name}`, given);
    expect(asked).toEqual([['POST', `/bulk-retries/brt_1/${name}`, { reason: 'why' }]]);
  });

  it('lists them with their progress', async () => {
    const { asked, text } = await command('bulk-retry list', {
      flags: { status: 'running' },
      answers: [{ data: [run] }],
    });
    expect(asked).toEqual([['GET', '/bulk-retries?status=running']]);
    expect(text).toContain('1 attempted, 0 refused, 3 of 4 remain');
    expect((await command('bulk-retry list', { answers: [{ data: [] }] })).text).toBe('There are none.');
  });

  it.each([
    ['bulk-retry start', { flags: { provider: 'sandbox' } }, '--reason is missing'],
    ['bulk-retry start', { flags: { reason: 'why', rate: 'fast' } }, '--rate must be a whole number'],
    ['bulk-retry pause', { args: ['brt_1'] }, '--reason is missing'],
    ['bulk-retry show', {}, 'the id is missing'],
  ])('%s %j: %s', async (name, given, message) => {
    await expect(command(name, { ...given, answers: [] } as Given)).rejects.toThrow(message);
  });
});
