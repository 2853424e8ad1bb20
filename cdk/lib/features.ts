// The table of features, as the binary tells it: `make features` writes features.json anew, and
// CI compares the two.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { permissionsOf } from './touches.js';

export type Access = 'public' | 'user' | { group: string };

export type Trigger =
  | { type: 'http'; method: string; path: string; access: Access; form: boolean }
  | { type: 'sqs'; queue: string }
  | { type: 'sns'; topic: string; queue: string }
  | { type: 's3'; prefix: string; queue: string }
  | { type: 'schedule'; every_s: number };

/** What an action is done to, without the stage's prefix; a word for what there is one of. */
export type Target =
  | 'table'
  | 'bucket'
  | 'mail-from'
  | 'user-pool'
  | { index: string }
  | { objects: string }
  | { queue: string }
  | { topic: string };

/** An action as IAM names it, on one thing. */
export interface Permission {
  action: string;
  resource: Target;
}

export interface Feature {
  name: string;
  service: string;
  about: string;
  trigger: Trigger;
  permissions: Permission[];
}

export interface Service {
  name: string;
  port: number;
}

export interface Table {
  services: Service[];
  features: Feature[];
}

const path = fileURLToPath(new URL('../../features.json', import.meta.url));

type Row = Omit<Feature, 'permissions'> & ({ permissions: Permission[] } | { touches: string[] });

const told: { services: Service[]; features: Row[] } = JSON.parse(readFileSync(path, 'utf8'));

export const table: Table = {
  services: told.services,
  features: told.features.map((row) =>
    'permissions' in row ? row : { ...row, permissions: permissionsOf(row.name, row.touches) },
  ),
};

/** The queue that a worker, or an event source mapping, polls for a feature. */
export function queueOf(feature: Feature): string | undefined {
  return 'queue' in feature.trigger ? feature.trigger.queue : undefined;
}

/** The groups of users that some feature asks for. */
export function groups(features: Feature[]): string[] {
  const access = features.map(({ trigger }) => (trigger.type === 'http' ? trigger.access : 'public'));
  return [...new Set(access.flatMap((who) => (typeof who === 'object' ? [who.group] : [])))];
}
