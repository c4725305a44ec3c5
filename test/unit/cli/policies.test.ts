/** Commands about retry policies, with an API that only remembers what it was asked. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../../../cli/output';
import type { Outcome } from '../../../cli/command';
import { policyCommands } from '../../../cli/commands/policies';
import { simulateCommands } from '../../../cli/commands/simulate';
import { shippedPolicy } from '../../../domain/retry/policy';

const folder = mkdtempSync(join(tmpdir(), 'perennial-cli-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

async function run(
  name: string,
  args: string[],
  flags: Record<string, string>,
  answer: Row = {},
): Promise<Outcome & { asked: unknown[][] }> {
  const command = { ...policyCommands, ...simulateCommands }[name];
  if (command === undefined) throw new Error(`there is no ${name}`);
  const asked: unknown[][] = [];
  const call = (...asking: unknown[]) => {
    asked.push(asking);
    return Promise.resolve(answer);
  };
  return { ...(await command.run({ args, flags, isOn: () => false, call })), asked };
}

describe('policies', () => {
  test('put sends the document without what the API added, and the version that was seen', async () => {
    const shown = { id: 'mine', version: 3, ...shippedPolicy, created_at: null, actor: {}, warnings: [] };
    const path = file('shown.json', JSON.stringify(shown));
    const warnings = [{ path: 'ladder.0.after', message: 'is late' }];
    const put = await run(
      'policies put',
      ['mine'],
      { file: path, 'if-version': '3' },
      { id: 'mine', warnings },
    );
    const document = JSON.parse(JSON.stringify(shippedPolicy)) as object;
    expect(put.asked).toEqual([['PUT', '/retry-policies/mine', document, { 'If-Match': '"3"' }]]);
    expect(put.text).toBe('id  mine\nwarning: ladder.0.after is late');
  });

  test('show, history and list ask for what was named', async () => {
    const listed = { data: [{ id: 'mine', version: 1 }] };
    expect((await run('policies list', [], { limit: '5' }, listed)).asked).toEqual([
      ['GET', '/retry-policies?limit=5'],
    ]);
    expect((await run('policies history', ['mine'], {}, listed)).asked).toEqual([
      ['GET', '/retry-policies/mine/versions'],
    ]);
    expect((await run('policies show', ['a/b'], { version: '2' }, { warnings: [] })).asked).toEqual([
      ['GET', '/retry-policies/a%2Fb?version=2'],
    ]);
  });

  test('preview shows a date a line, its reason whole', async () => {
    const reason =
      'retry 1 of 4, P1D after the first failure; moved to the preferred days 1 and hours 8 to 11';
    const entries = [{ kind: 'attempt', at: 'x', local: '2027-03-01T09:00:00+03:00', reason }];
    const flags = { category: 'soft', 'time-zone': 'Europe/Moscow', network: 'visa', 'failed-at': 'T' };
    const preview = await run('policies preview', ['mine'], flags, { entries });
    expect(preview.asked[0]?.[2]).toEqual({
      category: 'soft',
      failed_at: 'T',
      time_zone: 'Europe/Moscow',
      network: 'visa',
    });
    expect(preview.text.split('\n')[1]).toBe(`2027-03-01T09:00:00+03:00  attempt  ${reason}`);
  });

  test.each([
    ['policies show', [], {}, 'the id is missing'],
    ['policies put', ['mine'], {}, '--file is missing'],
    ['policies put', ['mine'], { file: join(folder, 'none.json') }, 'none.json cannot be read'],
    ['policies put', ['mine'], { file: file('text.json', 'text') }, 'text.json is not JSON'],
    ['policies put', ['mine'], { file: file('list.json', '[]') }, 'list.json must be a JSON object'],
    ['policies preview', ['mine'], {}, '--category is missing'],
  ] as const)('%s %j %j: %s', async (name, args, flags, message) => {
    await expect(run(name, [...args], flags)).rejects.toThrow(message);
  });
});

describe('simulate', () => {
  const shipped = file('shipped.json', JSON.stringify(shippedPolicy));
  const short = file(
    'short.json',
    JSON.stringify({ ladder: [{ after: 'P1D' }], grace_days: 2, final_action: 'pause' }),
  );

  test('compares two policies over one history, says what it assumes, and asks no API', async () => {
    const csv = file(
      'history.csv',
      'payment_id,attempted_at,outcome\na,2027-03-01T12:00:00Z,do_not_honor\na,2027-03-04T12:00:00Z,completed\n',
    );
    const { answer, text, asked } = await run('simulate', [], {
      policy: shipped,
      compare: short,
      history: csv,
    });
    expect(asked).toEqual([]);
    const all = { category: 'all', payments: 1 };
    expect(answer).toMatchObject({
      source: csv,
      payments: 1,
      policies: [
        { name: shipped, figures: [{}, { ...all, recovered: 1, attempts: 2 }] },
        { name: short, figures: [{}, { ...all, recovered: 0, attempts: 1 }] },
      ],
    });
    expect(text).toContain('RECOVERED 1  RECOVERED 2');
    expect(text).toContain('Assumed:\n- An attempt succeeds from the instant on');
  });

  test('with one seed says the same twice, and that the history is invented', async () => {
    const flags = { policy: shipped, synthetic: '40', seed: '3' };
    const first = await run('simulate', [], flags);
    expect(await run('simulate', [], flags)).toEqual(first);
    expect(first.text).toContain('40 invented payments, seed 3');
    expect(first.text).toContain('The history is invented');
  });

  test.each([
    [{ synthetic: '1' }, '--policy is missing'],
    [{ policy: shipped }, 'either --history or --synthetic is needed'],
    [{ policy: shipped, history: 'x', synthetic: '1' }, 'either --history or --synthetic is needed'],
    [{ policy: shipped, synthetic: '0' }, '--synthetic must be a whole number from 1 to 100000'],
    [{ policy: shipped, synthetic: '1', seed: 'x' }, '--seed must be a whole number'],
    [{ policy: file('bad.json', '{"ladder": []}'), synthetic: '1' }, 'ladder must have at least one attempt'],
    [
      { policy: shipped, history: file('bad.csv', 'payment_id\na') },
      'line 1: the column attempted_at is missing',
    ],
  ])('%j is refused: %s', async (flags, message) => {
    await expect(run('simulate', [], flags as unknown as Record<string, string>)).rejects.toThrow(message);
  });
});
