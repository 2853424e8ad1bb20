// Synthesises the stacks into folders below the one that is named, for other programs to judge.
import { join } from 'node:path';

import { synth } from './support.js';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('name a folder');

const variants: Record<string, Record<string, string>> = {
  both: { compute: 'both', alarmEmail: 'on-call@example.com', repository: 'owner/fotograma' },
  managed: { compute: 'eks', nodes: 'managed', podRoles: 'pod-identity', architecture: 'x86_64' },
};
for (const [name, context] of Object.entries(variants)) synth(context, join(folder, name)).app.synth();
