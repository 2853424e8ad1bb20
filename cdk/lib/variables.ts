// The environment that functions and pods get: every id is given, so that no role has to look up names.
import type { DataStack } from './data-stack.js';
import { type Table, queueOf } from './features.js';
import type { Settings } from './settings.js';

/** `video-queue` is told by `FOTOGRAMA_VIDEO_QUEUE_URL`. */
export const queueVariable = (short: string): string => `FOTOGRAMA_${short.toUpperCase().replaceAll('-', '_')}_URL`;

export function variables(table: Table, data: DataStack, settings: Settings): Record<string, string> {
  const queues = [...new Set(table.features.flatMap((feature) => queueOf(feature) ?? []))];
  return {
    FOTOGRAMA_STAGE: settings.stage,
    FOTOGRAMA_BUCKET: data.bucket.bucketName,
    FOTOGRAMA_TABLE: data.records.tableName,
    FOTOGRAMA_TOPIC_ARN: data.topic.topicArn,
    ...Object.fromEntries(queues.map((queue) => [queueVariable(queue), data.queue(queue).queueUrl])),
    FOTOGRAMA_USER_POOL_ID: data.pool.userPoolId,
    FOTOGRAMA_CLIENT_ID: data.client.userPoolClientId,
    FOTOGRAMA_MAIL_FROM: settings.mailFrom,
    FOTOGRAMA_PAGE_URL: settings.pageUrl,
  };
}
