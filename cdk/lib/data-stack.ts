// What holds state: bucket, queues, table, topic, users, the address that mails come from, images.
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as ses from 'aws-cdk-lib/aws-ses';
import * as sns from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

import { Alarms } from './alarms.js';
import { dashboard } from './dashboard.js';
import { type Table, groups, queueOf } from './features.js';
import { BUCKET, BY_USER, IMAGES, OPEN, TABLE, TOPIC, named } from './names.js';
import type { Settings } from './settings.js';
import { variables } from './variables.js';

/** The longest that a queue can keep what it has. */
const KEPT = Duration.days(14);
/** How long a video may be waited for before it is an alarm. */
const LONGEST_WAIT = Duration.minutes(30);

const pascal = (name: string): string =>
  name.split('_').map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('');

export interface DataStackProps extends StackProps {
  table: Table;
  settings: Settings;
}

export class DataStack extends Stack {
  readonly bucket: s3.Bucket;
  readonly bucketName: string;
  /** Written out, so that policies can be read. */
  readonly bucketArn: string;
  /** Queues by their short names, dead-letter queues too. */
  readonly queues = new Map<string, sqs.Queue>();
  readonly records: dynamodb.Table;
  readonly topic: sns.Topic;
  readonly pool: cognito.UserPool;
  readonly client: cognito.UserPoolClient;
  readonly mailFrom: ses.EmailIdentity;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const { table, settings } = props;
    const name = (short: string): string => named(settings.stage, short);
    const removalPolicy = settings.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const alarms = new Alarms(this, 'Alarms', settings);
    alarms.cost();

    for (const feature of table.features) {
      const spec = table.queues.find(({ name }) => name === queueOf(feature));
      if (!spec) continue;
      const queue = spec.name;
      const aside = new sqs.Queue(this, spec.dead_letters, {
        queueName: name(spec.dead_letters),
        retentionPeriod: KEPT,
        // A function may work on it too.
        visibilityTimeout: Duration.minutes(15),
        enforceSSL: true,
      });
      const main = new sqs.Queue(this, queue, {
        queueName: name(queue),
        deliveryDelay: Duration.seconds(spec.delay_s),
        retentionPeriod: KEPT,
        visibilityTimeout: Duration.seconds(spec.visibility_s),
        deadLetterQueue: { queue: aside, maxReceiveCount: spec.max_receives },
        enforceSSL: true,
      });
      this.queues.set(spec.dead_letters, aside).set(queue, main);
      alarms.age(queue, main, LONGEST_WAIT);
      alarms.dead(spec.dead_letters, aside);
    }

    const queues = [...this.queues.values()];
    dashboard(this, 'queues', settings, alarms, [
      ['Oldest message', queues.map((queue) => queue.metricApproximateAgeOfOldestMessage())],
      ['Messages that wait', queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible())],
      ['Messages in hand', queues.map((queue) => queue.metricApproximateNumberOfMessagesNotVisible())],
      ['Messages sent', queues.map((queue) => queue.metricNumberOfMessagesSent())],
    ]);

    this.bucketName = name(BUCKET);
    this.bucketArn = `arn:${this.partition}:s3:::${this.bucketName}`;
    this.bucket = new s3.Bucket(this, 'Videos', {
      bucketName: this.bucketName,
      removalPolicy,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      cors: [
        {
          allowedMethods: [s3.HttpMethods.GET, s3.HttpMethods.HEAD, s3.HttpMethods.PUT],
          allowedOrigins: [new URL(settings.pageUrl).origin],
          allowedHeaders: ['*'],
          // The page shows frames by reading parts of the zip.
          exposedHeaders: ['ETag', 'Content-Range', 'Content-Length', 'Accept-Ranges'],
          maxAge: 3600,
        },
      ],
      lifecycleRules: [
        { id: 'half-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        // A video can be done again as long as its upload is there. Zips stay until their owners
        // delete them.
        { id: 'uploads', prefix: 'uploads/', expiration: Duration.days(30) },
      ],
    });
    this.tellUploads(table);

    this.records = new dynamodb.Table(this, 'Status', {
      tableName: name(TABLE),
      removalPolicy,
      partitionKey: { name: 'video_id', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'deleted_until',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    });
    this.records.addGlobalSecondaryIndex({
      indexName: BY_USER,
      partitionKey: { name: 'user_id', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'created_at', type: dynamodb.AttributeType.STRING },
    });
    // Only what is unfinished has `open`: what the sweep reads costs as little as there is to do.
    this.records.addGlobalSecondaryIndex({
      indexName: OPEN,
      partitionKey: { name: 'open', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'updated_at', type: dynamodb.AttributeType.STRING },
      projectionType: dynamodb.ProjectionType.KEYS_ONLY,
    });

    this.topic = new sns.Topic(this, 'Topic', { topicName: name(TOPIC), enforceSSL: true });
    for (const { trigger } of table.features) {
      if (trigger.type === 'sns') this.topic.addSubscription(new SqsSubscription(this.queue(trigger.queue)));
    }

    this.pool = new cognito.UserPool(this, 'Users', {
      userPoolName: name('users'),
      removalPolicy,
      selfSignUpEnabled: true,
      signInAliases: { username: true },
      autoVerify: { email: true },
      standardAttributes: { email: { required: true, mutable: true } },
      keepOriginal: { email: true },
      accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
      passwordPolicy: { minLength: 8, requireDigits: true, requireLowercase: true, requireUppercase: true, requireSymbols: true },
    });
    const attributes = new cognito.ClientAttributes();
    this.client = this.pool.addClient('App', {
      userPoolClientName: name('app'),
      // CDK adds ALLOW_REFRESH_TOKEN_AUTH: the two that the services use.
      authFlows: { userPassword: true },
      generateSecret: false,
      preventUserExistenceErrors: true,
      disableOAuth: true,
      readAttributes: attributes.withStandardAttributes({ email: true, emailVerified: true }),
      writeAttributes: attributes.withStandardAttributes({ email: true }),
    });
    for (const group of groups(table.features)) {
      new cognito.CfnUserPoolGroup(this, `Group-${group}`, { groupName: group, userPoolId: this.pool.userPoolId });
    }

    this.mailFrom = new ses.EmailIdentity(this, 'Sender', { identity: ses.Identity.email(settings.mailFrom) });

    if (settings.compute !== 'lambda') {
      for (const image of IMAGES) {
        new ecr.Repository(this, `Image-${image}`, {
          repositoryName: name(image),
          removalPolicy,
          imageTagMutability: ecr.TagMutability.IMMUTABLE,
          imageScanOnPush: true,
          lifecycleRules: [{ maxImageCount: 20 }],
        });
      }
    }

    // `VideoQueueUrl` is what FOTOGRAMA_VIDEO_QUEUE_URL is set to: k8s/ids.sh reads them.
    for (const [variable, value] of Object.entries(variables(table, this, settings))) {
      if (variable.startsWith('FOTOGRAMA_')) new CfnOutput(this, pascal(variable.replace('FOTOGRAMA_', '')), { value });
    }
  }

  /** A queue by its short name. */
  queue(short: string): sqs.Queue {
    const queue = this.queues.get(short);
    if (!queue) throw new Error(`no feature has the queue ${short}`);
    return queue;
  }

  /** The bucket tells queues of what arrives; written out, since CDK's own way is a function. */
  private tellUploads(table: Table): void {
    const told = table.features.flatMap(({ trigger }) => (trigger.type === 's3' ? [trigger] : []));
    const bucket = this.bucket.node.defaultChild as s3.CfnBucket;
    bucket.notificationConfiguration = {
      queueConfigurations: told.map(({ prefix, queue }) => ({
        event: 's3:ObjectCreated:*',
        queue: this.queue(queue).queueArn,
        filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
      })),
    };
    for (const { queue } of told) {
      const policy = this.queue(queue).addToResourcePolicy(
        new iam.PolicyStatement({
          principals: [new iam.ServicePrincipal('s3.amazonaws.com')],
          actions: ['sqs:SendMessage'],
          resources: [this.queue(queue).queueArn],
          conditions: {
            ArnEquals: { 'aws:SourceArn': this.bucketArn },
            StringEquals: { 'aws:SourceAccount': this.account },
          },
        }),
      );
      // S3 tries the queue when it is told of it.
      if (policy.policyDependable) this.bucket.node.addDependency(policy.policyDependable);
    }
  }
}
