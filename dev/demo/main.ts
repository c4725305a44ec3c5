/** `make demo`: a real subscription, from POST /subscriptions to a Kafka consumer. Exits 0 when all of it was seen. */
import { randomBytes } from 'node:crypto';
import { ConfigError, loadConfig } from '../../config';
import { PlatformError } from '../platform/errors';
import { playStory } from './story';
import { demoSystem, type DemoSystem } from './system';
import { watchTopics } from './watch';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () =>
      interrupted.abort(new PlatformError('interrupted', 'The demo was interrupted.')),
    );
  }
  let system: DemoSystem | undefined;
  try {
    system = await demoSystem(loadConfig(process.env), print, interrupted.signal);
    await run(system, interrupted.signal);
  } finally {
    await system?.close();
  }
}

async function run(system: DemoSystem, signal: AbortSignal): Promise<void> {
  const watch = await watchTopics(system.kafkaBrokers);
  let steps = 0;
  const narrate = {
    step: (title: string) => {
      signal.throwIfAborted();
      steps += 1;
      print(`\n${steps}. ${title}`);
    },
    line: (text: string) => print(`   ${text}`),
  };
  try {
    await playStory({ system, watch, narrate, run: randomBytes(4).toString('hex') });
  } finally {
    await watch.close();
  }
  print(`\nAll ${steps} steps were seen.`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const expected = error instanceof PlatformError || error instanceof ConfigError;
    const text =
      error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
    process.stderr.write(`\nThe demo failed: ${text}\n`);
    process.exit(1);
  },
);
