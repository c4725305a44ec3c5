/**
 * What the connections to Kafka cost while nothing happens: a producer, and a consumer of every group, in one process,
 * with the patch of kafkajs and without it.
 *
 * Not measured: the broker's part, and what else a bridge does when it is idle (it polls PostgreSQL).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { pino } from 'pino';
import { kafkaFrom } from '../../bin/kafka';
import { provisionTopics } from '../../bin/provision';
import { loadConfig } from '../../config';

/** @param environment with the address of Kafka */
export async function benchIdle(
  environment: NodeJS.ProcessEnv,
  report: (line: string) => void,
): Promise<void> {
  const config = loadConfig(environment);
  const log = pino({ level: 'warn' });
  await provisionTopics(kafkaFrom(config, log), config, log);
  for (const mode of ['unpatched', 'patched'] as const) {
    const share = await idleShare(environment, mode);
    report(`  kafkajs ${mode}: ${(share * 100).toFixed(1)} % of a core`);
  }
}

async function idleShare(environment: NodeJS.ProcessEnv, mode: 'patched' | 'unpatched'): Promise<number> {
  const side = fork(require.resolve('./idle-process'), [mode], { env: environment });
  const ended = once(side, 'exit').then(([code]) => {
    throw new Error(`the idle process ended with ${String(code)}`);
  });
  const [share] = (await Promise.race([once(side, 'message'), ended])) as [number];
  ended.catch(() => undefined);
  side.disconnect();
  await once(side, 'exit');
  return share;
}
