/**
 * The operators' command line, over the REST API: what it may do is what its API key may do.
 *
 * Exit codes: 0 done; 1 refused by the API (its problem is printed); 2 wrong arguments or settings; 3 no answer.
 */
import { parseArgs } from 'node:util';
import { ConfigError, loadConfig, type Config } from '../config';
import { sheet, table, type Row } from './cli-output';

const usage = `usage: cli <command> [--json]

  dead-letters list [--group G] [--status open|redriven|discarded] [--limit N]
  dead-letters show ID
  dead-letters redrive ID --reason TEXT     have the group handle the record again
  dead-letters discard ID --reason TEXT     decide that it is never handled

API_URL and API_KEY say where and as whom; see docs/configuration.md.`;

class UsageError extends Error {}
class Refused extends Error {}

interface Context {
  positionals: string[];
  flags: Record<string, string | undefined>;
  call(method: string, path: string, body?: object): Promise<Row>;
}

/** What a command answers, and how a person reads it. */
interface Outcome {
  answer: Row;
  text: string;
}

const deadLetterColumns = ['id', 'group', 'topic', 'partition', 'offset', 'error_code', 'status', 'seen_at'];

const commands: Record<string, (context: Context) => Promise<Outcome>> = {
  'dead-letters list': async ({ flags, call }) => {
    const query = new URLSearchParams();
    for (const name of ['group', 'status', 'limit'])
      if (flags[name] !== undefined) query.set(name, flags[name]);
    const answer = await call('GET', `/dead-letters?${query.toString()}`);
    const rows = answer['data'] as Row[];
    return { answer, text: rows.length === 0 ? 'There are none.' : table(rows, deadLetterColumns) };
  },
  'dead-letters show': async (context) => shown(await context.call('GET', `/dead-letters/${idOf(context)}`)),
  'dead-letters redrive': (context) => decide(context, 'redrive'),
  'dead-letters discard': (context) => decide(context, 'discard'),
};

async function decide(context: Context, decision: string): Promise<Outcome> {
  const { reason } = context.flags;
  if (reason === undefined) throw new UsageError('--reason is missing: it is kept with the decision');
  return shown(await context.call('POST', `/dead-letters/${idOf(context)}/${decision}`, { reason }));
}

const shown = (answer: Row): Outcome => ({ answer, text: sheet(answer) });

function idOf({ positionals }: Context): string {
  const [, , id] = positionals;
  if (id === undefined) throw new UsageError('the id is missing');
  return encodeURIComponent(id);
}

function caller(config: Config): Context['call'] {
  const base = config.API_URL ?? `http://127.0.0.1:${config.API_PORT}`;
  const key = config.API_KEY ?? config.BOOTSTRAP_API_KEY;
  if (key === undefined) throw new UsageError('API_KEY is not set');
  return async (method, path, body) => {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { Authorization: `Bearer ${key}`, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(30_000),
    });
    const answer = (await response.json()) as Row;
    if (!response.ok) throw new Refused(`${String(answer['code'])}: ${String(answer['detail'])}`);
    return answer;
  };
}

async function main(args: string[]): Promise<void> {
  const string = { type: 'string' } as const;
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' }, group: string, status: string, limit: string, reason: string },
  });
  const command = commands[positionals.slice(0, 2).join(' ')];
  if (command === undefined)
    throw new UsageError(`there is no command ${positionals.slice(0, 2).join(' ') || '(none)'}`);
  const { json, ...flags } = values;
  const { answer, text } = await command({ positionals, flags, call: caller(loadConfig(process.env)) });
  process.stdout.write(`${json ? JSON.stringify(answer, null, 2) : text}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const badArguments =
    error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (badArguments || error instanceof ConfigError) {
    process.stderr.write(`${message}${badArguments ? `\n\n${usage}` : ''}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(error instanceof Refused ? `${message}\n` : `The API does not answer: ${message}\n`);
    process.exitCode = error instanceof Refused ? 1 : 3;
  }
});
