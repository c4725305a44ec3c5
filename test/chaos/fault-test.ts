/**
 * A fault test as a command: whole numbers as options, lines with the time, a system of its own, and what came of it.
 *
 * Exit codes: 0 no violation; 1 violations, or it could not be run to its end; 2 wrong arguments.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { TestSystem } from '../support/system';
import { openChaos, type Chaos } from './context';
import { randomFrom } from './random';

/** What was asked for, by the names of the options. */
export type Asked<Option extends string> = Readonly<Record<Option | 'seed', number>>;

export interface FaultTest<Option extends string> {
  usage: string;
  /** Of each option besides `--seed`, which is random when neither it nor CHAOS_SEED is given. */
  defaults: Readonly<Record<Option, number>>;
  processes: readonly string[];
  tokens: Chaos['tokens'];
  /** Of the processes, on top of what follows from the servers. */
  environment?: Readonly<Record<string, string>>;
  /** The first line: what is run, and how to run it again. */
  title(asked: Asked<Option>): string;
  /** @returns the violations, one line each */
  run(chaos: Chaos, asked: Asked<Option>): Promise<string[]>;
}

const mostViolationsShown = 100;

const beganMs = performance.now();
const report = (line: string): void =>
  void process.stdout.write(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);

/** Runs it and ends the process. */
export function runFaultTest<Option extends string>(test: FaultTest<Option>): void {
  const asked = optionsOf(test);
  if (asked === undefined) process.exit(2);
  runOnSystem(test, asked).then(
    (violations) => process.exit(violations.length === 0 ? 0 : 1),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
}

function optionsOf<Option extends string>({ usage, defaults }: FaultTest<Option>): Asked<Option> | undefined {
  const usual: Record<string, number> = { seed: randomInt(1_000_000), ...defaults };
  try {
    const { values } = parseArgs({
      options: Object.fromEntries(Object.keys(usual).map((name) => [name, { type: 'string' as const }])),
    });
    const given = { seed: process.env['CHAOS_SEED'], ...values } as Record<string, string | undefined>;
    return Object.fromEntries(
      Object.entries(usual).map(([name, otherwise]) => [name, wholeNumber(given[name], otherwise)]),
    ) as Asked<Option>;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    return undefined;
  }
}

function wholeNumber(given: string | undefined, otherwise: number): number {
  if (given === undefined || given === '') return otherwise;
  if (!/^\d{1,9}$/.test(given)) throw new Error(`${given} is not a whole number`);
  return Number(given);
}

/** @returns the violations, which it has told */
async function runOnSystem<Option extends string>(
  test: FaultTest<Option>,
  asked: Asked<Option>,
): Promise<string[]> {
  report(`seed ${asked.seed}: ${test.title(asked)}`);
  const its = await TestSystem.start(test.processes, { LOG_LEVEL: 'warn', ...test.environment });
  try {
    const chaos = await openChaos(its, randomFrom(asked.seed), test.tokens, report);
    let violations: string[] = [];
    try {
      violations = await test.run(chaos, asked);
    } catch (error) {
      // Its processes and their files go with it.
      for (const name of its.processes) {
        const lines = await its.system.product(name).lastOutput();
        report(`the last lines of ${name}\n${lines}`);
      }
      throw error;
    } finally {
      report(`figures of seed ${asked.seed}`);
      for (const line of chaos.figures.lines()) report(line);
      await chaos.close();
    }
    report(`${violations.length} violations`);
    for (const violation of violations.slice(0, mostViolationsShown)) report(`  ${violation}`);
    return violations;
  } finally {
    await its.close();
  }
}
