import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';

import { RUNBOOK } from '../lib/alarms.js';
import { type Table, queueOf, table } from '../lib/features.js';
import { deployable } from '../lib/functions-stack.js';
import { system } from '../lib/system.js';
import { queueVariable } from '../lib/variables.js';
import { folder, list, resources, statements, synth } from './support.js';

const made = synth({ compute: 'both', alarmEmail: 'on-call@example.com', repository: 'owner/fotograma' });
const data = Template.fromStack(made.data);
const functions = Template.fromStack(made.functions!);
const cluster = Template.fromStack(made.cluster!);
const page = Template.fromStack(made.page!);
const release = Template.fromStack(made.release!);
const queues = [...new Set(table.features.flatMap((feature) => queueOf(feature) ?? []))];
const workQueues = queues.filter((name) => !name.endsWith('-dlq'));

test('every stack passes cdk-nag', () => {
  made.app.synth();
});

test('managed nodes pass cdk-nag too', () => {
  synth({ compute: 'eks', nodes: 'managed' }).app.synth();
});

test('the bucket is closed, takes TLS only, and forgets uploads, half ones after a day', () => {
  data.hasResourceProperties('AWS::S3::Bucket', {
    PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
    LifecycleConfiguration: {
      Rules: Match.arrayWith([
        Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }),
        Match.objectLike({ Prefix: 'uploads/', ExpirationInDays: 30, Status: 'Enabled' }),
      ]),
    },
    CorsConfiguration: {
      CorsRules: [Match.objectLike({ AllowedMethods: ['GET', 'HEAD', 'PUT'], ExposedHeaders: Match.arrayWith(['Content-Range']) })],
    },
  });
  data.hasResourceProperties('AWS::S3::BucketPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })]),
    },
  });
});

test('no zip of frames is taken from its owner by a rule of the bucket', () => {
  const [bucket] = resources(data, 'AWS::S3::Bucket');
  const rules: { ExpirationInDays?: number; Prefix?: string }[] = bucket!.Properties.LifecycleConfiguration.Rules;
  const expiring = rules.filter((rule) => rule.ExpirationInDays);
  assert.deepEqual(expiring.map((rule) => rule.Prefix), ['uploads/']);
});

test('the table has both indexes, forgets what is deleted, and can be put back', () => {
  data.hasResourceProperties('AWS::DynamoDB::Table', {
    KeySchema: [{ AttributeName: 'video_id', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'deleted_until', Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: [
      Match.objectLike({
        IndexName: 'user_id-index',
        KeySchema: [{ AttributeName: 'user_id', KeyType: 'HASH' }, { AttributeName: 'created_at', KeyType: 'RANGE' }],
      }),
      Match.objectLike({
        IndexName: 'open-index',
        KeySchema: [{ AttributeName: 'open', KeyType: 'HASH' }, { AttributeName: 'updated_at', KeyType: 'RANGE' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      }),
    ],
  });
});

test('every queue of the table is there, and gives up when the table says', () => {
  for (const { name: queue, dead_letters, max_receives } of table.queues) {
    data.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: `tech5-dev-${queue}`,
      RedrivePolicy: { maxReceiveCount: max_receives, deadLetterTargetArn: Match.anyValue() },
    });
    data.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: `tech5-dev-${dead_letters}`,
      MessageRetentionPeriod: 14 * 24 * 3600,
    });
  }
  assert.equal(resources(data, 'AWS::SQS::Queue').length, 2 * workQueues.length);
});

test('a queue hides a message for six times as long as its function may take', () => {
  const hidden = new Map(resources(data, 'AWS::SQS::Queue').map(({ Properties }) => [Properties.QueueName, Properties.VisibilityTimeout]));
  const timeouts = new Map(resources(functions, 'AWS::Lambda::Function').map(({ Properties }) => [Properties.Handler, Properties.Timeout]));
  for (const feature of table.features) {
    const queue = queueOf(feature);
    if (queue) assert.ok(hidden.get(`tech5-dev-${queue}`) >= 6 * timeouts.get(feature.name), queue);
  }
});

test('the app client has the two flows of the services, no secret, and few attributes', () => {
  data.hasResourceProperties('AWS::Cognito::UserPoolClient', {
    ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    GenerateSecret: false,
    ReadAttributes: ['email', 'email_verified'],
    WriteAttributes: ['email'],
  });
  data.hasResourceProperties('AWS::Cognito::UserPoolGroup', { GroupName: 'operators' });
});

test('every feature but the form upload is a function, by its own name, on Amazon Linux 2023', () => {
  const handlers: string[] = resources(functions, 'AWS::Lambda::Function').map(({ Properties }) => {
    assert.equal(Properties.Runtime, 'provided.al2023');
    assert.deepEqual(Properties.Architectures, ['arm64']);
    return Properties.Handler;
  });
  const expected = table.features.filter(deployable).map(({ name }) => name);
  assert.deepEqual(handlers.sort(), expected.sort());
  assert.ok(!handlers.includes('upload-form'));
});

test('a function has the memory, the time and the concurrency of its row', () => {
  const made = new Map(resources(functions, 'AWS::Lambda::Function').map(({ Properties }) => [Properties.Handler, Properties]));
  for (const { name, limits } of table.features.filter(deployable)) {
    assert.equal(made.get(name).MemorySize, limits.memory_mib, name);
    assert.equal(made.get(name).Timeout, limits.timeout_s, name);
  }
  const polled = resources(functions, 'AWS::Lambda::EventSourceMapping').map(({ Properties }) => Properties.ScalingConfig.MaximumConcurrency);
  const expected = table.features.filter((feature) => queueOf(feature)).map(({ limits }) => limits.concurrency);
  assert.deepEqual(polled.sort(), expected.sort());
});

test('another number of videos at a time can be chosen, and nothing else moves', () => {
  const other = Template.fromStack(synth({ processors: '7' }).functions!);
  const polled = resources(other, 'AWS::Lambda::EventSourceMapping').map(({ Properties }) => Properties.ScalingConfig.MaximumConcurrency);
  const rows = table.features.filter((feature) => queueOf(feature));
  const expected = rows.map((feature) => (feature.name === 'process-video' ? 7 : feature.limits.concurrency));
  assert.deepEqual(polled.sort(), expected.sort());
  for (const processors of ['1', '2.5', 'many']) assert.throws(() => synth({ processors }), /processors/, processors);
});

test('a row that gets other limits makes another function and another queue', () => {
  const changed: Table = structuredClone(table);
  const feature = changed.features.find(({ name }) => name === 'upload-arrived')!;
  const queue = changed.queues.find(({ name }) => name === queueOf(feature))!;
  feature.limits = { memory_mib: 1024, timeout_s: 120, concurrency: 9 };
  queue.visibility_s = 720;
  const other = synth({}, undefined, changed);
  const [fn] = resources(Template.fromStack(other.functions!), 'AWS::Lambda::Function').filter(({ Properties }) => Properties.Handler === feature.name);
  assert.deepEqual([fn!.Properties.MemorySize, fn!.Properties.Timeout], [1024, 120]);
  Template.fromStack(other.data).hasResourceProperties('AWS::SQS::Queue', { QueueName: `tech5-dev-${queue.name}`, VisibilityTimeout: 720 });
});

test('functions are told every id, so that no role has to look up a name', () => {
  const wanted = [
    'FOTOGRAMA_BUCKET',
    'FOTOGRAMA_TABLE',
    'FOTOGRAMA_TOPIC_ARN',
    'FOTOGRAMA_USER_POOL_ID',
    'FOTOGRAMA_CLIENT_ID',
    ...queues.map(queueVariable),
  ];
  for (const { Properties } of resources(functions, 'AWS::Lambda::Function')) {
    const told = Object.keys(Properties.Environment.Variables);
    for (const variable of wanted) assert.ok(told.includes(variable), `${Properties.Handler}: ${variable}`);
  }
});

test('what functions are told, the data stack’s outputs tell pods', () => {
  const outputs = Object.keys(data.findOutputs('*')).map((key) => key.replace(/([A-Z])/g, '_$1').toUpperCase());
  const [fn] = resources(functions, 'AWS::Lambda::Function');
  const told = Object.keys(fn!.Properties.Environment.Variables).filter((name) => name.startsWith('FOTOGRAMA_'));
  for (const variable of told) assert.ok(outputs.includes(variable.replace('FOTOGRAMA', '')), variable);
});

test('messages that fail are reported one by one, and a queue does not start functions without end', () => {
  const mappings = resources(functions, 'AWS::Lambda::EventSourceMapping');
  assert.equal(mappings.length, table.features.filter((feature) => queueOf(feature)).length);
  for (const { Properties } of mappings) {
    assert.deepEqual(Properties.FunctionResponseTypes, ['ReportBatchItemFailures']);
    assert.ok(Properties.ScalingConfig.MaximumConcurrency >= 2);
  }
});

test('every route of the table is the API’s, and asks for a token unless it is public', () => {
  const routes = resources(functions, 'AWS::ApiGatewayV2::Route').map(({ Properties }) => `${Properties.RouteKey} ${Properties.AuthorizationType}`);
  const expected = table.features.filter(deployable).flatMap(({ trigger }) => {
    if (trigger.type !== 'http') return [];
    return [`${trigger.method} ${trigger.path} ${trigger.access === 'public' ? 'NONE' : 'JWT'}`];
  });
  assert.deepEqual(routes.sort(), expected.sort());
});

test('the clock sets off what is scheduled', () => {
  for (const { trigger } of table.features) {
    if (trigger.type !== 'schedule') continue;
    functions.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: `rate(${trigger.every_s / 60} minutes)` });
  }
});

test('no role may do everything, or anything to everything', () => {
  for (const template of [functions, cluster]) {
    for (const statement of statements(template)) {
      for (const action of list(statement.Action)) assert.ok(!action.includes('*'), action);
      assert.ok(!list(statement.Resource).includes('*'), JSON.stringify(statement));
    }
  }
});

test('a role per service account, which only that account of this cluster can take', () => {
  const trusts = resources(cluster, 'Custom::AWSCDKCfnJson').map(({ Properties }) => JSON.stringify(Properties.Value));
  for (const { name } of table.services) {
    cluster.hasResourceProperties('AWS::IAM::Role', {
      RoleName: `tech5-dev-${name}`,
      AssumeRolePolicyDocument: { Statement: [Match.objectLike({ Action: 'sts:AssumeRoleWithWebIdentity' })] },
    });
    const account = `system:serviceaccount:fotograma:${name}`;
    assert.ok(trusts.some((trust) => trust.includes(`${account}\\"`) && trust.includes('sts.amazonaws.com')), name);
  }
});

test('who releases is the one repository’s release environment, and deploys by CDK’s own roles', () => {
  const [role] = resources(release, 'AWS::IAM::Role');
  const [trust] = role!.Properties.AssumeRolePolicyDocument.Statement;
  assert.equal(trust.Action, 'sts:AssumeRoleWithWebIdentity');
  assert.deepEqual(trust.Condition, {
    StringEquals: {
      'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
      'token.actions.githubusercontent.com:sub': 'repo:owner/fotograma:environment:release',
    },
  });
  const anywhere = statements(release).filter(({ Resource }) => list(Resource).includes('*'));
  assert.deepEqual(anywhere.map(({ Action }) => Action), ['ecr:GetAuthorizationToken']);
  for (const statement of statements(release)) for (const action of list(statement.Action)) assert.ok(!action.includes('*'), action);
  assert.equal(synth().release, undefined);
  assert.throws(() => synth({ repository: 'fotograma' }), /repository/);
});

test('Pod Identity gives the same roles to the same accounts', () => {
  const other = Template.fromStack(synth({ compute: 'eks', podRoles: 'pod-identity' }).cluster!);
  for (const { name } of table.services) {
    other.hasResourceProperties('AWS::EKS::PodIdentityAssociation', { Namespace: 'fotograma', ServiceAccount: name });
  }
  other.resourceCountIs('AWS::IAM::OIDCProvider', 0);
});

test('each alarm tells somebody, and names a section of the runbook that is there', () => {
  const runbook = readFileSync(fileURLToPath(new URL('../../../docs/runbook.md', import.meta.url)), 'utf8');
  const titles = [...runbook.matchAll(/^## (.*)$/gm)].map(([, title]) => title!.toLowerCase());
  const sections = titles.map((title) => title.replace(/[^a-z0-9 -]/g, '').replaceAll(' ', '-'));
  for (const section of Object.values(RUNBOOK)) assert.ok(sections.includes(section), section);
  const alarms = [data, functions].flatMap((template) => resources(template, 'AWS::CloudWatch::Alarm'));
  for (const { Properties } of alarms) {
    assert.match(Properties.AlarmDescription, /docs\/runbook\.md#[a-z-]+$/);
    assert.equal(Properties.AlarmActions.length, 1);
  }
  // Age and dead letters of each queue, errors and throttles of each function, and jobs that wait.
  assert.equal(alarms.length, 2 * workQueues.length + 2 * table.features.filter(deployable).length + 1);
  data.resourceCountIs('AWS::CE::AnomalySubscription', 1);
});

test('each dashboard shows every alarm of its stack, and says where the runbook is', () => {
  for (const template of [data, functions]) {
    const alarms = Object.keys(template.findResources('AWS::CloudWatch::Alarm'));
    const [dashboard] = resources(template, 'AWS::CloudWatch::Dashboard');
    const body = JSON.stringify(dashboard!.Properties.DashboardBody);
    assert.ok(alarms.length > 0);
    for (const alarm of alarms) assert.ok(body.includes(`"${alarm}"`), alarm);
    assert.ok(body.includes('docs/runbook.md'));
  }
});

test('jobs that wait for people ring, by the figure that functions write', () => {
  functions.hasResourceProperties('AWS::CloudWatch::Alarm', {
    Namespace: 'fotograma',
    MetricName: 'fotograma.faults',
    Dimensions: [{ Name: 'class', Value: 'operational' }, { Name: 'stage', Value: 'dev' }],
    TreatMissingData: 'notBreaching',
  });
});

test('the page is read through CloudFront alone, and may connect to its API and bucket only', () => {
  page.hasResourceProperties('AWS::CloudFront::OriginAccessControl', {
    OriginAccessControlConfig: Match.objectLike({ SigningBehavior: 'always' }),
  });
  const [headers] = resources(page, 'AWS::CloudFront::ResponseHeadersPolicy');
  const policy = JSON.stringify(headers!.Properties.ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /img-src 'self' data: blob:/);
  assert.match(policy, /media-src blob:/);
  assert.ok(!policy.includes('unsafe'));
});

test('who deploys other stacks alone needs no zips, and who deploys functions does', () => {
  const context = { compute: 'both', zip: 'not-there.zip', processorZip: 'not-there.zip' };
  const app = (stacks: string[]): App => new App({ analyticsReporting: false, outdir: folder(), context: { ...context, 'aws:cdk:bundling-stacks': stacks } });
  assert.ok(system(app(['Data', 'Cluster'])).functions);
  assert.throws(() => system(app(['Functions'])), /not-there\.zip/);
});

test('a setting that makes no sense is refused', () => {
  assert.throws(() => synth({ stage: 'Prod' }), /stage/);
  assert.throws(() => synth({ compute: 'ecs' }), /compute/);
});
