/** Which words can stand next on the command line, from the tree of commands. Asks no API. */
import type { Command, Option } from 'commander';
import { filesAnswer } from './completion-scripts';
import { FileOption } from './program';

interface Candidate {
  word: string;
  text: string;
}

/**
 * Returns a line for each word that can stand where the last of `words` is: the word, with a tab and what it means. Paths of
 * files are left to the shell ({@link filesAnswer}).
 * @param words those behind the program's name up to the cursor; the last one is begun and may be empty
 */
export function completionLines(program: Command, words: readonly string[]): string[] {
  const place = placeOf(program, words.slice(0, -1));
  // bash takes `--status=act` apart at its break character.
  const begun = words.at(-1) === '=' ? '' : (words.at(-1) ?? '');
  const [, name = '', start] = /^(--[^=]+)=(.*)$/.exec(begun) ?? [];
  if (start !== undefined) return linesOf(valuesOf(optionOf(place.command, name), `${name}=`), begun);
  if (place.option !== undefined) return linesOf(valuesOf(place.option, ''), begun);
  return linesOf(begun.startsWith('-') ? optionsOf(place.command) : wordsOf(place), begun);
}

/** Where a command line stands behind some words. */
interface Place {
  command: Command;
  /** The option whose value comes next. */
  option?: Option;
  /** Arguments that were given. */
  given: number;
}

function placeOf(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, given: 0 };
  for (const word of words) {
    if (word === '=') continue;
    if (place.option !== undefined) place.option = undefined;
    else if (word.startsWith('-')) {
      const option = optionOf(place.command, word);
      if (option?.required === true) place.option = option;
    } else {
      const child = place.command.commands.find((command) => command.name() === word);
      if (child === undefined) place.given += 1;
      else place.command = child;
    }
  }
  return place;
}

const optionsFor = (command: Command): Option[] => {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
};

const optionOf = (command: Command, word: string): Option | undefined =>
  optionsFor(command).find(({ short, long }) => word === long || word === short);

const optionsOf = (command: Command): Candidate[] =>
  optionsFor(command).map((option) => ({ word: option.long ?? '', text: option.description }));

function valuesOf(option: Option | undefined, before: string): Candidate[] {
  if (option instanceof FileOption) return [{ word: filesAnswer, text: '' }];
  return (option?.argChoices ?? []).map((value) => ({ word: `${before}${value}`, text: '' }));
}

/** Commands, or the choices of the argument that comes next. */
function wordsOf({ command, given }: Place): Candidate[] {
  if (command.commands.length > 0) {
    const commands = command.createHelp().visibleCommands(command);
    return commands.map((child) => ({ word: child.name(), text: child.description() }));
  }
  const choices = command.registeredArguments[given]?.argChoices ?? [];
  return choices.map((word) => ({ word, text: '' }));
}

function linesOf(candidates: readonly Candidate[], begun: string): string[] {
  if (candidates[0]?.word === filesAnswer) return [filesAnswer];
  return candidates
    .filter(({ word }) => word.startsWith(begun))
    .map(({ word, text }) => (text === '' ? word : `${word}\t${text}`));
}
