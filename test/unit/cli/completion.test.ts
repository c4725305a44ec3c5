/** What a shell proposes, and that nothing that was typed is ever run. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { completionScript, shells } from '../../../cli/completion-scripts';
import { runCommandLine } from './run';

async function proposed(...words: string[]): Promise<string[]> {
  const { output, exitCode } = await runCommandLine(['__complete', ...words]);
  expect(exitCode).toBe(0);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
}

describe('I11: completion', () => {
  it.each([
    [['sub'], ['subscriptions']],
    [['subscriptions', 'p'], ['pause']],
    [
      ['--json', 'policies', 'p'],
      ['put', 'preview'],
    ],
    [['subscriptions', 'cancel', 'sub_1', '--m'], ['--mode']],
    [
      ['subscriptions', 'cancel', '--mode', ''],
      ['now', 'period_end'],
    ],
    [['subscriptions', 'cancel', '--mode', 'p'], ['period_end']],
    [['subscriptions', 'cancel', '--mode=p'], ['--mode=period_end']],
    // As bash takes it apart.
    [['subscriptions', 'cancel', '--mode', '=', 'p'], ['period_end']],
    [
      ['subscriptions', 'cancel', '--mode', '='],
      ['now', 'period_end'],
    ],
    [['subscriptions', 'cancel', '--reason', 'sub', ''], []],
    [['subscriptions', 'list', '--customer-id', 'payments', '--lim'], ['--limit']],
    [['policies', 'put', 'default', '--file', ''], [':files']],
    [['completion', ''], [...shells]],
    [['retry', '$(touch pwned)', '--pay'], ['--payment-method-id']],
  ])('of %j is %j', async (words, wanted) => {
    expect(await proposed(...words)).toEqual(wanted);
  });

  it('proposes the commands of the first level, without what is hidden', async () => {
    const words = await proposed('');
    expect(words).toEqual(expect.arrayContaining(['subscriptions', 'retry', 'simulate', 'completion']));
    expect(words).not.toContain('__complete');
  });

  it.each(shells)('prints the script for %s', async (shell) => {
    const { output, exitCode } = await runCommandLine(['completion', shell]);
    expect([exitCode, output]).toEqual([0, completionScript(shell)]);
    expect(output).not.toContain('eval');
  });

  it('hands bash what was typed as words, and runs none of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'perennial-completion-'));
    const program = join(folder, 'perennial');
    writeFileSync(program, '#!/bin/sh\nprintf "<%s>\\n" "$@" > "$0.asked"\nprintf "now\\tat once\\n"\n', {
      mode: 0o755,
    });
    const script = `${completionScript('bash')}
      COMP_WORDS=(perennial retry '$(touch pwned)' '\`touch pwned\`' --mo); COMP_CWORD=4
      _perennial; printf '%s,' "\${COMPREPLY[@]}"`;
    const env = { PATH: `${folder}:${process.env['PATH']}` };
    expect(execFileSync('bash', ['-c', script], { cwd: folder, env, encoding: 'utf8' })).toBe('now,');
    const asked = execFileSync('cat', [`${program}.asked`], { encoding: 'utf8' });
    expect(asked).toBe('<__complete>\n<retry>\n<$(touch pwned)>\n<`touch pwned`>\n<--mo>\n');
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });
});
