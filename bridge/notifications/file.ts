/** Notifications as files, for development: one mail each, to be opened with a mail program. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { mailOf } from './mail';
import type { Notifier } from './port';

export interface FileSettings {
  dir: string;
  /** `Perennial <billing@example.com>`, or the address alone. */
  from: string;
}

/** Sent again, a notification is the same file. */
export function fileNotifier({ dir, from }: FileSettings): Notifier {
  const transport = createTransport({ streamTransport: true, buffer: true });
  return {
    channel: 'file',
    needsAddress: true,
    async send(message) {
      const { message: bytes } = await transport.sendMail(mailOf(message, from));
      const name = `${message.template}-${message.messageName}.eml`;
      await mkdir(dir, { recursive: true, mode: 0o700 });
      // A reader of the folder sees whole files only.
      const draft = join(dir, `.${name}`);
      await writeFile(draft, bytes as Buffer, { mode: 0o600 });
      await rename(draft, join(dir, name));
      return name;
    },
    close: () => transport.close(),
  };
}
