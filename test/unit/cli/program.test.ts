/** The command line as a whole: help, mistakes, exit codes, settings, and what reaches a terminal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { subjects } from '../../../cli/commands/index';
import { testClockCommands } from '../../../cli/commands/test-clocks';
import { commandsPage } from '../../../dev/tools/commands-page';
import { runCommandLine } from './run';

const leaves = subjects.flatMap(({ commands }) => Object.entries(commands));
const escape = '\u001b';
// oxlint-disable-next-line no-control-regex -- what must not reach a terminal
const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;

describe('I11: help', () => {
  it('names every command at the first level', async () => {
    const { exitCode, output, errors } = await runCommandLine(['--help']);
    for (const [name] of leaves) expect(output).toMatch(new RegExp(`^  ${name.split(' ')[0]}\\b`, 'm'));
    expect([exitCode, errors]).toEqual([0, '']);
    expect(output).toContain('--json');
  });

  it('names the commands of a subject at the second level', async () => {
    const { exitCode, output } = await runCommandLine(['subscriptions', '--help']);
    expect(exitCode).toBe(0);
    for (const name of ['list', 'show', 'timeline', 'cancel', 'pause', 'resume'])
      expect(output).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  });

  it.each(leaves)('of %s has its argument and each of its options', async (name, command) => {
    const { exitCode, output } = await runCommandLine([...name.split(' '), '--help']);
    expect(exitCode).toBe(0);
    expect(output).toContain(`Usage: perennial ${name} ${command.argument ?? ''}`.trimEnd());
    for (const option of command.options ?? []) expect(output).toContain(`--${option.name}`);
    expect(output).toContain('--json');
  });

  it('is what docs/cli.md shows', () => {
    expect(readFileSync(join(__dirname, '..', '..', '..', 'docs', 'cli.md'), 'utf8')).toBe(commandsPage());
  });
});

describe('I11: a mistake', () => {
  const usage =
    /^usage: perennial subscriptions cancel ID \[--mode now\|period_end\].* --reason TEXT \[--json\]$/m;

  it.each([
    [['subscriptions', 'cancel', 'sub_1'], '--reason is missing'],
    [['subscriptions', 'cancel'], "missing required argument 'ID'"],
    [['subscriptions', 'cancel', 'sub_1', 'sub_2', '--reason', 'x'], 'too many arguments'],
    [['subscriptions', 'cancel', 'sub_1', '--resaon', 'x'], "unknown option '--resaon'"],
    [['subscriptions', 'cancel', 'sub_1', '--reason'], "option '--reason <TEXT>' argument missing"],
    [['subscriptions', 'cancel', 'sub_1', '--reason', 'x', '--mode', 'soon'], '--mode must be one of'],
  ])(
    '%j is answered with what is wrong and the usage of its command, and exit code 2',
    async (args, message) => {
      const { exitCode, output, errors, asked } = await runCommandLine(args);
      expect({ exitCode, output, asked }).toEqual({ exitCode: 2, output: '', asked: [] });
      expect(errors).toContain(`error: ${message}`);
      expect(errors).toMatch(usage);
      expect(errors.trim().split('\n').length).toBeLessThanOrEqual(4);
    },
  );

  it('in a command’s name is answered with the commands that there are', async () => {
    const { exitCode, errors } = await runCommandLine(['subscriptions', 'lsit']);
    expect(exitCode).toBe(2);
    expect(errors).toContain("unknown command 'lsit'");
    expect(errors).toContain('Did you mean list?');
    expect((await runCommandLine([])).exitCode).toBe(2);
  });
});

describe('I11: the exit code', () => {
  it('is 0 when it is done, and --json prints what the API answered, before the command or behind it', async () => {
    const answer = { data: [], next_cursor: null };
    for (const args of [
      ['--json', 'plans', 'list'],
      ['plans', 'list', '--json'],
    ]) {
      const { exitCode, output } = await runCommandLine(args, { answer });
      expect([exitCode, JSON.parse(output)]).toEqual([0, answer]);
    }
  });

  it('is 1 when the API refuses, when something else answers, and when nothing does', async () => {
    const answer = { code: 'not_found', detail: 'There is no such payment.' };
    const refused = await runCommandLine(['payments', 'show', 'pay_1'], { answer, status: 404 });
    expect(refused).toMatchObject({
      exitCode: 1,
      output: '',
      errors: 'not_found: There is no such payment.\n',
    });
    const other = await runCommandLine(['plans', 'list'], { answer: { error: 'no route' }, status: 404 });
    expect(other).toMatchObject({
      exitCode: 1,
      errors: 'What answers under API_URL is not the API of Perennial\n',
    });
    const silent = await runCommandLine(['payments', 'show', 'pay_1'], {
      status: 502,
      answer: Object('<html>'),
    });
    expect(silent).toMatchObject({ exitCode: 1 });
  });
});

describe('I11: the environment', () => {
  const args = ['plans', 'list'];
  const answer = { data: [], next_cursor: null };
  const others = { METRICS_URL: 'http://metrics', KAFKA_OPTS: '-Xmx1g', SMTP_URL: 'none', LOG_LEVEL: 'loud' };

  it('of other programs does not stop a command', async () => {
    const env = { ...others, API_URL: 'http://billing:1' };
    expect(await runCommandLine(args, { env, answer })).toMatchObject({
      exitCode: 0,
      asked: ['http://billing:1/plans'],
    });
  });

  it('of a Kubernetes service named api is not taken for the port', async () => {
    const env = { API_PORT: 'tcp://10.0.0.1:8080', BOOTSTRAP_API_KEY: 'short' };
    expect(await runCommandLine(args, { env, answer })).toMatchObject({
      exitCode: 0,
      asked: ['http://127.0.0.1:8080/plans'],
    });
  });

  it('with a malformed setting that the command needs is refused with exit code 2', async () => {
    const { exitCode, errors, asked } = await runCommandLine(args, {
      env: { ...others, API_URL: 'billing' },
    });
    expect([exitCode, asked]).toEqual([2, []]);
    expect(errors).toMatch(/API_URL must be a URL/);
    expect(errors).not.toMatch(/METRICS_URL|LOG_LEVEL/);
    const missing = await runCommandLine(args, { env: { API_KEY: '' } });
    expect(missing).toMatchObject({ exitCode: 2, errors: expect.stringContaining('API_KEY is not set') });
  });

  it.each([
    ['API_KEY', 'pk_s3cret\npk_s3cret', 'printable ASCII'],
    ['API_KEY', 'pk_s3cret\r', 'printable ASCII'],
    ['API_KEY', 'pk_s3cret ключ', 'printable ASCII'],
    ['API_KEY', 'pk_s3cret\u0000', 'printable ASCII'],
    ['API_KEY', `pk_s3cret${'x'.repeat(200)}`, 'at most 200 characters'],
    ['BOOTSTRAP_API_KEY', `s3cret\n${'x'.repeat(32)}`, 'printable ASCII'],
    ['API_URL', 'http://ada:s3cret@billing', 'must not hold a user or a password'],
    ['API_URL', 'http://s3cret@billing', 'must not hold a user or a password'],
    ['API_URL', 'ftp://ada:s3cret@billing', 'must be a URL'],
    ['API_URL', 'ada:s3cret@billing', 'must be a URL'],
    ['API_URL', 'http://billing\n', 'must be a URL'],
    ['API_URL', 'http://billing?key=1', 'neither a query nor a fragment'],
    ['API_PORT', '80 80', 'must be a whole number'],
  ])('with %s=%j is refused before any call, by the variable’s name', async (name, value, why) => {
    const env = { ...(name === 'BOOTSTRAP_API_KEY' ? { API_KEY: '' } : {}), [name]: value };
    const { exitCode, output, errors, asked } = await runCommandLine(args, { env, answer });
    expect({ exitCode, output, asked }).toEqual({ exitCode: 2, output: '', asked: [] });
    expect(errors).toContain(`${name} must`);
    expect(errors).toContain(why);
    expect(errors).not.toContain('s3cret');
  });

  it('may lead to an API below a path of its host', async () => {
    const env = { API_URL: 'https://proxy.example/billing/' };
    const { asked } = await runCommandLine(args, { env, answer });
    expect(asked).toEqual(['https://proxy.example/billing/plans']);
  });
});

describe('I11: data on a terminal', () => {
  const hostile = `a${escape}]52;c;ZXZpbA==\u0007b\r\nc\u009b2Jd\u202ee`;
  const shown = 'a\\u001b]52;c;ZXZpbA==\\u0007b\\r\\nc\\u009b2Jd\\u202ee';

  it('shows the control characters of a dead letter as text, in a row and in a sheet', async () => {
    const letter = { id: 'dlr_1', group: hostile, error: hostile };
    const list = await runCommandLine(['dead-letters', 'list'], {
      answer: { data: [letter], next_cursor: hostile },
    });
    const sheet = await runCommandLine(['dead-letters', 'show', 'dlr_1'], { answer: letter });
    for (const { output } of [list, sheet]) {
      expect(output).toContain(shown);
      expect(output).not.toMatch(raw);
    }
    expect(list.output.trim().split('\n')).toHaveLength(3);
  });

  it('shows what nobody would see, and leaves what names and emoji need', async () => {
    const needed = 'می\u200cخواهم \u{1f468}\u200d\u{1f469}';
    const unseen = 'a\u200b\ufeff\u2060\u2066\u0378\u{e0041}';
    const { output } = await runCommandLine(['dead-letters', 'show', 'dlr_1'], {
      answer: { id: 'dlr_1', error: `${unseen} ${needed}` },
    });
    expect(output).toContain('a\\u200b\\ufeff\\u2060\\u2066\\u0378\\udb40\\udc41');
    expect(output).toContain(needed);
  });

  it('keeps the values of --json as they are', async () => {
    const { output } = await runCommandLine(['dead-letters', 'show', 'dlr_1', '--json'], {
      answer: { error: hostile },
    });
    expect(output).not.toMatch(raw);
    expect(JSON.parse(output)).toEqual({ error: hostile });
  });

  it('shows those of a refusal, and of the command line itself, as text', async () => {
    const answer = {
      code: 'validation_failed',
      detail: hostile,
      errors: [{ path: hostile, message: hostile }],
    };
    const refused = await runCommandLine(['payments', 'show', 'pay_1'], { answer, status: 422 });
    const mistaken = await runCommandLine(['payments', hostile]);
    for (const { errors } of [refused, mistaken]) {
      expect(errors).toContain('\\u001b]52');
      expect(errors).not.toMatch(raw);
    }
    expect(refused.errors.trim().split('\n')).toHaveLength(2);
  });

  it('shows those of what a test clock waits for as text while its advance is watched', async () => {
    let printed = '';
    const commands = testClockCommands({
      screen: { isTTY: true, columns: 200, write: (text) => (printed += text) },
      pause: () => Promise.resolve(),
    });
    const answers = ['advancing', 'ready'].map((status) => ({
      status,
      now: '2027-01-01T00:00:00Z',
      detail: hostile,
    }));
    const call = () => Promise.resolve(answers.shift() ?? {});
    const flags = { to: '2027-02-01T00:00:00Z' };
    await commands['test-clocks advance']?.run({ args: ['clk_1'], flags, isOn: () => false, call });
    expect(printed).toContain(shown);
    expect(printed.replaceAll('\r\u001b[K', '')).not.toMatch(raw);
  });
});
