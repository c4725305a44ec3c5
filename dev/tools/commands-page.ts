/** docs/cli.md, from the tree of commands; a test holds them together. */
import type { CommandOption } from '../../cli/command';
import { subjects, type Subject } from '../../cli/commands/index';
import { usageOf } from '../../cli/program';

/** A command a line; what it does stands in one column for all subjects. */
const widestColumn = 70;

const head = `# The command line

\`perennial\` is the REST API for people: it may do what its API key may do, and each decision is kept with its reason.

\`\`\`sh
export API_URL=http://127.0.0.1:8080 API_KEY=…
perennial subscriptions timeline sub_…
perennial retry pay_… --reason 'the customer called'
perennial subscriptions --help
\`\`\`

In a checkout it is \`node dist/bin/cli.js\` after \`npm run build\`, or \`npm link\` puts it on the path; the image has it on the path: \`docker compose exec -e API_KEY=… api perennial plans list\`.

\`API_URL\` is this machine when left out, \`API_KEY\` the key of \`BOOTSTRAP_API_KEY\`. A value that cannot stand in a request is refused before any call and never shown. No other variable is looked at, but \`API_PORT\` where \`API_URL\` is left out. \`--json\` prints what the API answered, for programs. \`T\` is an RFC 3339 instant such as \`2027-03-01T09:00:00Z\`. What is asked for is checked before any call. Control characters within data, and what nobody would see, are shown as text, such as \`\\u001b\`.

| Exit code | Means |
| --- | --- |
| 0 | done |
| 1 | refused, or no answer; the reason is printed |
| 2 | wrong arguments or settings; the command's usage is printed |

\`perennial completion bash|zsh|fish\` prints the script that completes commands and options:

\`\`\`sh
source <(perennial completion bash)     # in ~/.bashrc
source <(perennial completion zsh)      # in ~/.zshrc, after compinit
perennial completion fish | source      # in ~/.config/fish/config.fish
\`\`\`

This page is generated from \`cli/commands\` by \`npm run docs\`.`;

/** Returns the page. */
export function commandsPage(): string {
  return [head, ...subjects.map(sectionOf), ''].join('\n');
}

function sectionOf({ name: subject, commands }: Subject): string {
  const calls = Object.entries(commands).map(([name, command]) => `${name} ${usageOf(command)}`.trimEnd());
  const width = Math.min(widestColumn, Math.max(...calls.map((call) => call.length))) + 2;
  const lines = Object.values(commands).map(({ text }, at) => `${(calls[at] ?? '').padEnd(width)}  ${text}`);
  const options = new Map(
    Object.values(commands).flatMap(({ options: some = [] }) => some.map((option) => [option.name, option])),
  );
  const table = [...options.values()].map(rowOf);
  const rows = table.length === 0 ? [] : ['', '| Option | Means |', '| --- | --- |', ...table];
  return ['', `## ${subject}`, '', '```', ...lines, '```', ...rows].join('\n');
}

function rowOf({ name, value, text, choices }: CommandOption): string {
  const values = choices === undefined ? '' : `: ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
  return `| \`--${name}${value === undefined ? '' : ` ${value}`}\` | ${text}${values} |`;
}
