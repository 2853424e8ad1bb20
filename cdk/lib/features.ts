// The table of features, as the binary tells it: `make features` writes features.json anew, and
// CI compares the two.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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

/** What its function gets: seconds an invocation, and how many at a time, if that is limited. */
export interface Limits {
  memory_mib: number;
  timeout_s: number;
  concurrency: number | null;
}

export interface Feature {
  name: string;
  service: string;
  about: string;
  trigger: Trigger;
  limits: Limits;
  permissions: Permission[];
}

export interface Service {
  name: string;
  port: number;
}

/** A queue that feeds a feature, and the one for what it gives up. */
export interface Queue {
  name: string;
  dead_letters: string;
  max_receives: number;
  delay_s: number;
  visibility_s: number;
}

export interface Table {
  services: Service[];
  features: Feature[];
  queues: Queue[];
  groups: string[];
}

const path = fileURLToPath(new URL('../../features.json', import.meta.url));

export const table: Table = JSON.parse(readFileSync(path, 'utf8'));

/** The queue that a worker, or an event source mapping, polls for a feature. */
export function queueOf(feature: Feature): string | undefined {
  return 'queue' in feature.trigger ? feature.trigger.queue : undefined;
}

/** Whether it makes frames, and so needs ffmpeg beside it. */
export const makesFrames = (feature: Feature): boolean =>
  feature.permissions.some(
    ({ action, resource }) => action === 's3:PutObject' && typeof resource === 'object' && 'objects' in resource && resource.objects === 'frames/',
  );

/** The groups of users that some feature asks for. */
export function groups(features: Feature[]): string[] {
  const access = features.map(({ trigger }) => (trigger.type === 'http' ? trigger.access : 'public'));
  return [...new Set(access.flatMap((who) => (typeof who === 'object' ? [who.group] : [])))];
}
