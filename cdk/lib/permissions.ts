// What a feature may do, as IAM statements: from what its row of the table says that it touches.
import * as iam from 'aws-cdk-lib/aws-iam';

import type { DataStack } from './data-stack.js';
import { type Feature, queueOf } from './features.js';
import { BY_USER, OPEN } from './names.js';

type Grant = readonly [actions: string[], resources: string[]];

/** What each thing that is touched costs in permissions. */
function grants(feature: Feature, data: DataStack): Grant[] {
  const { name } = feature;
  const records = data.records.tableArn;
  const bucket = data.bucketArn;
  const deletes = name === 'video-delete';
  const write = deletes ? ['s3:DeleteObject'] : ['s3:PutObject', 's3:AbortMultipartUpload'];
  const asksUser = ['auth-me', 'upload-create', 'upload-form'].includes(name);
  const touched: Record<string, Grant[]> = {
    'read-videos': [
      ...(name === 'video-list' ? [] : ([[['dynamodb:GetItem'], [records]]] as Grant[])),
      ...(name === 'video-list' ? ([[['dynamodb:Query'], [`${records}/index/${BY_USER}`]]] as Grant[]) : []),
      ...(name === 'sweep' ? ([[['dynamodb:Query'], [`${records}/index/${OPEN}`]]] as Grant[]) : []),
    ],
    'write-videos': [[['dynamodb:PutItem'], [records]]],
    'read-uploads': [
      [['s3:GetObject'], [`${bucket}/uploads/*`]],
      // Without it, S3 says 403 of an upload that is not there yet, and not 404.
      [['s3:ListBucket'], [bucket]],
    ],
    'write-uploads': [[write, [`${bucket}/uploads/*`]]],
    'read-frames': [[['s3:GetObject'], [`${bucket}/frames/*`]]],
    'write-frames': [[write, [`${bucket}/frames/*`]]],
    'send-jobs': [
      [['sqs:SendMessage'], [data.queue('video-queue').queueArn]],
      ...(name === 'process-video' ? ([[['sqs:SendMessage'], [data.queue('video-dlq').queueArn]]] as Grant[]) : []),
    ],
    publish: [[['sns:Publish'], [data.topic.topicArn]]],
    'send-mail': [[['ses:SendEmail'], [data.mailFrom.emailIdentityArn]]],
    // The calls that users make for themselves need no permission; looking one up does.
    identity: asksUser ? [[['cognito-idp:AdminGetUser'], [data.pool.userPoolArn]]] : [],
  };
  return feature.touches.flatMap((thing) => {
    const found = touched[thing];
    if (!found) throw new Error(`${name} touches ${thing}, and nothing is known of that`);
    return found;
  });
}

/** The statements for a feature's own work. */
export function statements(feature: Feature, data: DataStack): iam.PolicyStatement[] {
  return grants(feature, data).map(([actions, resources]) => new iam.PolicyStatement({ actions, resources }));
}

/** What a worker needs beside, to poll a feature's queue; for a function, the mapping has it. */
export function polling(feature: Feature, data: DataStack): iam.PolicyStatement[] {
  const queue = queueOf(feature);
  if (!queue) return [];
  const actions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'];
  return [new iam.PolicyStatement({ actions, resources: [data.queue(queue).queueArn] })];
}

