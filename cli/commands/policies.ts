/** `cli policies`: the rules by which failed payments are retried. */
import { idOf, queryOf, required, type CommandGroup, type Outcome } from '../command';
import { readPolicyFile } from '../files';
import { sheet, table, type Row } from '../output';
import { requestPage, listed, pageOptions, pageSynopsis } from '../pages';

const columns = ['id', 'version', 'grace_days', 'final_action', 'created_at'];

/** The policy a field a line, and what it may not mean to say. */
function shown(answer: Row): Outcome {
  const { warnings, ...policy } = answer;
  const lines = (warnings as { path: string; message: string }[]).map(
    ({ path, message }) => `warning: ${path} ${message}`,
  );
  return { answer, text: [sheet(policy), ...lines].join('\n') };
}

export const policyCommands: CommandGroup = {
  'policies list': {
    synopsis: pageSynopsis,
    text: 'every policy in its current version',
    options: pageOptions,
    run: async (context) => listed(await requestPage(context, '/retry-policies'), columns),
  },
  'policies show': {
    synopsis: 'ID [--version N]',
    text: '',
    options: ['version'],
    run: async (context) =>
      shown(await context.call('GET', `/retry-policies/${idOf(context)}${queryOf(context, 'version')}`)),
  },
  'policies history': {
    synopsis: `ID ${pageSynopsis}`,
    text: 'its versions, newest first',
    options: pageOptions,
    run: async (context) =>
      listed(await requestPage(context, `/retry-policies/${idOf(context)}/versions`), columns),
  },
  'policies put': {
    synopsis: 'ID --file FILE [--if-version N] [--reason TEXT]',
    text: 'make a new version, of version N only',
    options: ['file', 'if-version', 'reason'],
    async run(context) {
      const id = idOf(context);
      const document = readPolicyFile(required(context, 'file', 'it has the policy as JSON'));
      const seen = context.flags['if-version'];
      const headers: Record<string, string> = seen === undefined ? {} : { 'If-Match': `"${seen}"` };
      return shown(
        await context.call('PUT', `/retry-policies/${id}${queryOf(context, 'reason')}`, document, headers),
      );
    },
  },
  'policies preview': {
    synopsis: 'ID --category C [--failed-at T] [--time-zone Z] [--network N]',
    text: 'every date of a failed payment',
    options: ['category', 'failed-at', 'time-zone', 'network'],
    async run(context) {
      const { flags } = context;
      const body = {
        category: required(context, 'category', 'it says why the payment fails'),
        failed_at: flags['failed-at'],
        time_zone: flags['time-zone'],
        network: flags['network'],
      };
      const answer = await context.call('POST', `/retry-policies/${idOf(context)}/preview`, body);
      return { answer, text: table(answer['entries'] as Row[], ['local', 'kind', 'reason'], 200) };
    },
  },
};
