/** Every group of commands, in the order in which the usage shows them. A new group is a file and a line here. */
import type { CommandGroup } from './cli-command';
import { deadLetterCommands } from './cli-dead-letters';

export const commandGroups: readonly CommandGroup[] = [deadLetterCommands];
