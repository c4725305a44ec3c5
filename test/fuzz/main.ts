/**
 * `make fuzz`: Schemathesis makes requests up for every operation of the OpenAPI document, against a whole system, and
 * every one of its checks has to hold.
 *
 * Exit codes: 0 no failure; 1 failures, or it could not be run to its end; 2 wrong arguments.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureSchemathesis } from '../../dev/platform/schemathesis';
import { TestSystem } from '../support/system';

const usage = `usage: npm run fuzz -- [--seed N] [--minutes N] [--operation PATH]

  --seed N          repeat the requests of an earlier run; FUZZ_SEED does the same  (default: a random one, printed)
  --minutes N       how long it may take                                           (default: 8)
  --operation PATH  only operations whose path matches this regular expression`;

const folder = join(__dirname, '..', '..', '..', 'test', 'fuzz');

interface Asked {
  seed: number;
  minutes: number;
  operation?: string;
}

function wholeNumber(name: string, given: string | undefined, otherwise: number): number {
  if (given === undefined || given === '') return otherwise;
  if (!/^\d{1,9}$/.test(given)) throw new Error(`--${name} ${given} is not a whole number`);
  return Number(given);
}

function asked(): Asked | undefined {
  const string = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ options: { seed: string, minutes: string, operation: string } });
    return {
      seed: wholeNumber('seed', values.seed ?? process.env['FUZZ_SEED'], randomInt(1_000_000)),
      minutes: wholeNumber('minutes', values.minutes, 8),
      operation: values.operation,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    return undefined;
  }
}

const report = (line: string): void => void process.stdout.write(`${line}\n`);

/** @returns Schemathesis' exit code, or 1 when a process of the system ended meanwhile */
async function fuzz({ seed, minutes, operation }: Asked): Promise<number> {
  report(`seed ${seed}: FUZZ_SEED=${seed} npm run fuzz -- --minutes ${minutes}`);
  const [python = '', script = ''] = await ensureSchemathesis(join(folder, 'requirements.txt'), report);
  const its = await TestSystem.start(['sandbox', 'api', 'worker', 'bridge'], { LOG_LEVEL: 'warn' });
  try {
    const { apiUrl, apiKey } = its.system;
    const reports = join(tmpdir(), `perennial-fuzz-${seed}`);
    const options = [
      ['--config-file', join(folder, 'schemathesis.toml'), 'run', `${apiUrl}/openapi.json`],
      ['--header', `Authorization: Bearer ${apiKey}`, '--checks', 'all', '--continue-on-failure'],
      ['--max-time', String(minutes * 60), '--seed', String(seed), '--request-timeout', '30', '--no-color'],
      ['--generation-database', 'none', '--report', 'ndjson', '--report-dir', reports],
      // It would revoke the key that the run itself uses.
      ['--exclude-operation-id', 'revokeApiKey'],
      operation === undefined ? [] : ['--include-path-regex', operation],
    ].flat();
    mkdirSync(reports, { recursive: true });
    const child = spawn(python, [script, ...options], {
      // It keeps what it found in a folder of its own.
      cwd: reports,
      stdio: 'inherit',
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' },
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    for (const line of its.crashed) report(`ended by itself: ${line}`);
    return code === 0 && its.crashed.length > 0 ? 1 : (code ?? 1);
  } finally {
    await its.close();
  }
}

const what = asked();
if (what === undefined) process.exit(2);
fuzz(what).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
