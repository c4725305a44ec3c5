/**
 * Refuses identifiers with words that are not the field's: `npm run check:identifiers`.
 *
 * Reads every TypeScript file that Git knows. An allowed identifier that occurs nowhere is refused, too.
 */
import { readFileSync } from 'node:fs';
import { trackedFiles } from './tracked-files';
import { allowedIdentifiers, bannedParts } from './identifier-rules';
import { bannedPartOf, identifiersOf, lineOf } from './identifiers';

const banned = [...bannedParts.keys()];
const unseen = new Set(allowedIdentifiers.keys());
const refusals: string[] = [];

for (const file of trackedFiles('*.ts')) {
  const source = readFileSync(file, 'utf8');
  for (const identifier of identifiersOf(source)) {
    unseen.delete(identifier);
    if (allowedIdentifiers.has(identifier)) continue;
    const part = bannedPartOf(identifier, banned);
    if (part === null) continue;
    const place = `${file}:${lineOf(source, identifier)}`;
    refusals.push(`${place} ${identifier}: not "${part}" but ${bannedParts.get(part)}`);
  }
}
for (const identifier of unseen)
  refusals.push(`identifier-rules.ts allows ${identifier}, which occurs nowhere`);

for (const refusal of refusals) process.stderr.write(`${refusal}\n`);
process.exitCode = refusals.length === 0 ? 0 : 1;
