// What a feature may do, as IAM statements: from what its row of the table says.
import * as iam from 'aws-cdk-lib/aws-iam';

import type { DataStack } from './data-stack.js';
import { type Feature, type Target, queueOf } from './features.js';

/** What users call for themselves, unsigned: no policy speaks of it. */
const UNSIGNED = ['cognito-idp:ConfirmSignUp', 'cognito-idp:GlobalSignOut', 'cognito-idp:InitiateAuth', 'cognito-idp:SignUp'];

function arn(target: Target, data: DataStack): string {
  if (target === 'table') return data.records.tableArn;
  if (target === 'bucket') return data.bucketArn;
  if (target === 'mail-from') return data.mailFrom.emailIdentityArn;
  if (target === 'user-pool') return data.pool.userPoolArn;
  if ('index' in target) return `${data.records.tableArn}/index/${target.index}`;
  if ('objects' in target) return `${data.bucketArn}/${target.objects}*`;
  if ('queue' in target) return data.queue(target.queue).queueArn;
  return data.topic.topicArn;
}

/** The statements for a feature's own work. */
export function statements(feature: Feature, data: DataStack): iam.PolicyStatement[] {
  const signed = feature.permissions.filter(({ action }) => !UNSIGNED.includes(action));
  return signed.map(({ action, resource }) => new iam.PolicyStatement({ actions: [action], resources: [arn(resource, data)] }));
}

/** What a worker needs beside, to poll a feature's queue; for a function, the mapping has it. */
export function polling(feature: Feature, data: DataStack): iam.PolicyStatement[] {
  const queue = queueOf(feature);
  if (!queue) return [];
  const actions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'];
  return [new iam.PolicyStatement({ actions, resources: [data.queue(queue).queueArn] })];
}
