/**
 * Why a program of this machine cannot be used, in words that follow "needs Java: ".
 */
import type { Tools } from './tools';

/** Why Java cannot be used; undefined when it is 17 or newer. */
export async function javaProblem(tools: Tools): Promise<string | undefined> {
  const java = await tools.find('java');
  if (!java) return 'java is not on PATH';
  const { output } = await tools.run(java, ['-version']);
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? ([] as string[]);
  // Before Java 9 the version began with "1.".
  const major = first === '1' ? Number(second) : Number(first);
  if (Number.isNaN(major)) return `${java} does not say its version`;
  return major >= 17 ? undefined : `${java} is Java ${major}`;
}

/** Why Maven cannot be used; undefined when it can. */
export async function mavenProblem(tools: Tools): Promise<string | undefined> {
  return (await tools.find('mvn')) ? undefined : 'mvn is not on PATH';
}

/** Why Go cannot be used; undefined when it can. Too old a Go fetches a newer one, or says so itself. */
export async function goProblem(tools: Tools): Promise<string | undefined> {
  return (await tools.find('go')) ? undefined : 'go is not on PATH';
}
