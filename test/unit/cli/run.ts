/** Runs a command line as the program does, against an API that gives one answer, or some in their order. */
import { runCli } from '../../../cli/cli';

export interface Ran {
  exitCode: number;
  output: string;
  errors: string;
  /** The URLs that were asked. */
  asked: string[];
}

interface Asked {
  env?: NodeJS.ProcessEnv;
  answer?: object;
  answers?: readonly object[];
  status?: number;
}

export async function runCommandLine(
  args: readonly string[],
  { env = {}, answer = {}, answers = [], status = 200 }: Asked = {},
): Promise<Ran> {
  const asked: string[] = [];
  const fetched = jest.spyOn(globalThis, 'fetch').mockImplementation((url) => {
    asked.push((url as URL).href);
    const body = JSON.stringify(answers[asked.length - 1] ?? answer);
    return Promise.resolve(new Response(status === 204 ? null : body, { status }));
  });
  const ran = { output: '', errors: '' };
  const exitCode = await runCli(args, {
    env: { API_KEY: 'key', ...env },
    write: (text) => void (ran.output += text),
    writeError: (text) => void (ran.errors += text),
    columns: 100,
  });
  fetched.mockRestore();
  return { exitCode, asked, ...ran };
}
