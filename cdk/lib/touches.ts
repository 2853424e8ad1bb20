// What a row's `touches` mean in permissions, for a table that does not yet name the actions itself.
import type { Permission, Target } from './features.js';

const on = (resource: Target, ...actions: string[]): Permission[] => actions.map((action) => ({ action, resource }));

export function permissionsOf(name: string, touches: string[]): Permission[] {
  const uploads = { objects: 'uploads/' };
  const frames = { objects: 'frames/' };
  const deletes = name === 'video-delete';
  const write = (resource: Target): Permission[] => {
    if (deletes) return on(resource, 's3:DeleteObject');
    // A presigned PUT is one request; what is streamed is in parts, and they are thrown away if it fails.
    return on(resource, 's3:PutObject', ...(name === 'upload-create' ? [] : ['s3:AbortMultipartUpload']));
  };
  const reads: Record<string, Permission[]> = {
    'video-list': on({ index: 'user_id-index' }, 'dynamodb:Query'),
    sweep: [...on({ index: 'open-index' }, 'dynamodb:Query'), ...on('table', 'dynamodb:GetItem')],
  };
  const known: Record<string, Permission[]> = {
    'read-videos': reads[name] ?? on('table', 'dynamodb:GetItem'),
    'write-videos': on('table', 'dynamodb:PutItem'),
    'read-uploads': [...on(uploads, 's3:GetObject'), ...on('bucket', 's3:ListBucket')],
    'write-uploads': write(uploads),
    'read-frames': on(frames, 's3:GetObject'),
    'write-frames': write(frames),
    'send-jobs': [...on({ queue: 'video-queue' }, 'sqs:SendMessage'), ...(name === 'process-video' ? on({ queue: 'video-dlq' }, 'sqs:SendMessage') : [])],
    publish: on({ topic: 'video-topic' }, 'sns:Publish'),
    'send-mail': on('mail-from', 'ses:SendEmail'),
    identity: ['auth-me', 'upload-create', 'upload-form'].includes(name) ? on('user-pool', 'cognito-idp:AdminGetUser') : [],
  };
  return touches.flatMap((thing) => {
    const found = known[thing];
    if (!found) throw new Error(`${name} touches ${thing}, and nothing is known of that`);
    return found;
  });
}
