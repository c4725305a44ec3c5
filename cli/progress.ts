/** How far something is, while a person waits: one line that is redrawn on a terminal, else a line for each change. */

import { terminalValue } from './terminal-text';

export interface Progress {
  show(line: { done: number; total: number; text: string }): void;
  /** What is printed next begins on a line of its own. */
  end(): void;
}

/** Where it is shown: standard error, so that standard output holds the answer alone. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** What watching needs of the world. */
export interface Watching {
  screen: Screen;
  pause(ms: number): Promise<unknown>;
}

const barWidth = 20;

export function progressOn(screen: Screen): Progress {
  const isTerminal = screen.isTTY === true;
  let last = '';
  return {
    show({ done, total, text }) {
      const shown = terminalValue(text);
      const line = isTerminal ? `${bar(done, total)} ${shown}` : shown;
      if (line === last) return;
      last = line;
      // A line that is wider than the terminal would be drawn again below itself.
      screen.write(isTerminal ? `\r\u001b[K${line.slice(0, (screen.columns ?? 80) - 1)}` : `${line}\n`);
    },
    end() {
      if (isTerminal && last !== '') screen.write('\n');
    },
  };
}

function bar(done: number, total: number): string {
  const part = total === 0 ? 1 : done / total;
  const filled = Math.floor(part * barWidth);
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}
