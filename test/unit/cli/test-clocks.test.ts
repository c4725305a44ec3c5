/** Commands about test clocks, with an API that answers one thing after the other. */
import type { Row } from '../../../cli/output';
import { testClockCommands } from '../../../cli/commands/test-clocks';

const clock = (status: string, now: string, detail: string | null = null): Row => ({
  id: 'clk_1',
  now,
  status,
  target: status === 'ready' ? null : '2027-02-01T00:00:00.000Z',
  steps: 3,
  detail,
});

async function run(name: string, args: string[], flags: Record<string, string>, answers: Row[]) {
  const asked: unknown[] = [];
  const printed: string[] = [];
  const waits: number[] = [];
  const screen = { write: (text: string) => printed.push(text) };
  const pause = (ms: number) => Promise.resolve(waits.push(ms));
  const call = (...asking: unknown[]) => {
    asked.push(asking);
    return Promise.resolve(answers[asked.length - 1] ?? {});
  };
  const command = testClockCommands({ screen, pause })[name];
  const outcome = command?.run({ args, flags, isOn: () => false, call });
  return { asked, printed, waits, outcome: await outcome?.catch((error: Error) => error.message) };
}

describe('test-clocks advance', () => {
  const to = '2027-02-01T00:00:00Z';
  it('waits until the clock rests, and shows how far it is', async () => {
    const { asked, printed, waits, outcome } = await run('test-clocks advance', ['clk_1'], { to }, [
      clock('advancing', '2027-01-01T00:00:00.000Z'),
      clock('advancing', '2027-01-15T00:00:00.000Z', 'waits for due_not_opened (sub_1)'),
      clock('ready', '2027-02-01T00:00:00.000Z'),
    ]);
    expect(asked).toEqual([
      ['POST', '/test-clocks/clk_1/advance', { to }],
      ['GET', '/test-clocks/clk_1'],
      ['GET', '/test-clocks/clk_1'],
    ]);
    expect(printed).toEqual([
      '2027-01-01T00:00:00.000Z, 3 steps\n',
      '2027-01-15T00:00:00.000Z, 3 steps; waits for due_not_opened (sub_1)\n',
      '2027-02-01T00:00:00.000Z, 3 steps\n',
    ]);
    expect(waits).toHaveLength(2);
    expect(outcome).toMatchObject({ answer: { status: 'ready' } });
  });

  it('ends as refused when the clock stopped on its way', async () => {
    const { outcome } = await run('test-clocks advance', ['clk_1'], { to }, [
      clock('failed', '2027-01-15T00:00:00.000Z', 'sub_1 did not come to rest'),
    ]);
    expect(outcome).toBe('The clock stopped: sub_1 did not come to rest');
  });

  it('asks nothing with an instant that is none', async () => {
    for (const flags of [{}, { to: 'tomorrow' }] as Record<string, string>[]) {
      const { asked, outcome } = await run('test-clocks advance', ['clk_1'], flags, []);
      expect(outcome).toMatch(/^--to (is missing|must be an RFC 3339 instant)/);
      expect(asked).toEqual([]);
    }
  });
});

test('clocks are made, shown, listed and deleted', async () => {
  const now = '2027-01-01T00:00:00Z';
  const one = clock('ready', now);
  expect((await run('test-clocks create', [], { now }, [one])).asked).toEqual([
    ['POST', '/test-clocks', { now }],
  ]);
  expect((await run('test-clocks show', ['clk_1'], {}, [one])).asked).toEqual([
    ['GET', '/test-clocks/clk_1'],
  ]);
  expect((await run('test-clocks list', [], {}, [{ data: [one] }])).asked).toEqual([['GET', '/test-clocks']]);
  expect((await run('test-clocks delete', ['clk_1'], {}, [one])).asked).toEqual([
    ['DELETE', '/test-clocks/clk_1'],
  ]);
});
