// Every feature as a function of its own, from one zip: HTTP API, queues and the clock set them off.
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as api from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

import { Alarms, own } from './alarms.js';
import { dashboard } from './dashboard.js';
import type { DataStack } from './data-stack.js';
import { type Feature, type Table, makesFrames } from './features.js';
import { named } from './names.js';
import { statements } from './permissions.js';
import type { Settings } from './settings.js';
import { variables } from './variables.js';

export interface FunctionsStackProps extends StackProps {
  table: Table;
  settings: Settings;
  data: DataStack;
  /** In place of the zips that the settings name. */
  code?: Zips;
}

/** The zip of the binary, and the one that holds `bin/ffmpeg` too. */
export interface Zips {
  plain: lambda.Code;
  withFfmpeg: lambda.Code;
}

/** What is left of a function's time to say that a video takes too long. */
const TO_TELL_S = 60;

/** Whether a feature can be a function: a form's file is larger than what a function is given. */
export const deployable = (feature: Feature): boolean => !(feature.trigger.type === 'http' && feature.trigger.form);

export class FunctionsStack extends Stack {
  readonly functions = new Map<string, lambda.Function>();
  private readonly api: api.HttpApi;
  private readonly tokens: HttpJwtAuthorizer;
  private readonly code: Zips;

  constructor(scope: Construct, id: string, private readonly props: FunctionsStackProps) {
    super(scope, id, props);
    const { table, settings, data } = props;
    this.code = props.code ?? { plain: this.zip('plain', settings.zip), withFfmpeg: this.zip('with-ffmpeg', settings.processorZip) };
    this.api = new api.HttpApi(this, 'Api', {
      apiName: named(settings.stage, 'api'),
      corsPreflight: {
        allowOrigins: [new URL(settings.pageUrl).origin],
        allowMethods: [api.CorsHttpMethod.ANY],
        allowHeaders: ['authorization', 'content-type'],
        maxAge: Duration.hours(1),
      },
    });
    const issuer = `https://cognito-idp.${this.region}.${this.urlSuffix}/${data.pool.userPoolId}`;
    this.tokens = new HttpJwtAuthorizer('Tokens', issuer, { jwtAudience: [data.client.userPoolClientId] });
    this.logCalls();

    const alarms = new Alarms(this, 'FunctionAlarms', settings);
    const environment = variables(table, data, settings);
    for (const feature of table.features.filter(deployable)) {
      const fn = this.function(feature, environment);
      this.functions.set(feature.name, fn);
      this.setOff(feature, fn);
      alarms.function(feature.name, fn);
    }
    alarms.waiting();
    const functions = [...this.functions.values()];
    // Every label that there has been.
    const extractions = new cloudwatch.MathExpression({
      expression: `SEARCH('Namespace="fotograma" MetricName="fotograma.extractions" stage="${settings.stage}"', 'Sum', 300)`,
      label: '',
    });
    dashboard(this, 'functions', settings, alarms, [
      ['Faults', functions.map((fn) => fn.metricErrors())],
      ['Throttles', functions.map((fn) => fn.metricThrottles())],
      ['Duration, 95 %', functions.map((fn) => fn.metricDuration({ statistic: 'p95' }))],
      ['Jobs that wait, by class', ['operational', 'transient'].map((kind) => own('fotograma.faults', settings, { class: kind }))],
      ['Extractions, by strategy', [extractions]],
    ]);
    new CfnOutput(this, 'ApiUrl', { value: this.api.apiEndpoint });
  }

  /** A zip, which need not be there as long as only other stacks are deployed. */
  private zip(id: string, path: string): lambda.Code {
    if (this.bundlingRequired) return lambda.Code.fromAsset(path);
    const nowhere = s3.Bucket.fromBucketName(this, `not-deployed-${id}`, 'not-deployed');
    return lambda.Code.fromBucketV2(nowhere, path);
  }

  private function(feature: Feature, environment: Record<string, string>): lambda.Function {
    const { settings } = this.props;
    const { memory_mib, timeout_s } = feature.limits;
    const functionName = named(settings.stage, feature.name);
    const role = new iam.Role(this, `${feature.name}-role`, { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    const logGroup = new logs.LogGroup(this, `${feature.name}-logs`, {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    logGroup.grantWrite(role);
    const fn = new lambda.Function(this, feature.name, {
      functionName,
      description: feature.about,
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: settings.architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      handler: feature.name,
      code: makesFrames(feature) ? this.code.withFfmpeg : this.code.plain,
      memorySize: memory_mib,
      timeout: Duration.seconds(timeout_s),
      role,
      logGroup,
      environment: {
        ...environment,
        ...(makesFrames(feature) ? { FOTOGRAMA_FFMPEG: '/var/task/bin/ffmpeg', FOTOGRAMA_MAX_TIME: `${timeout_s - TO_TELL_S}s` } : {}),
        ...(settings.emulator && {
          ...settings.emulator.variables,
          AWS_ENDPOINT_URL: settings.emulator.endpoints[feature.name] ?? '',
        }),
      },
    });
    for (const statement of statements(feature, this.props.data)) fn.addToRolePolicy(statement);
    return fn;
  }

  private setOff(feature: Feature, fn: lambda.Function): void {
    const { trigger, name, limits } = feature;
    const { data, settings } = this.props;
    switch (trigger.type) {
      case 'http':
        this.api.addRoutes({
          path: trigger.path,
          methods: [api.HttpMethod[trigger.method as keyof typeof api.HttpMethod]],
          integration: new HttpLambdaIntegration(`${name}-integration`, fn),
          // Which group a user must be in, the handler looks up in the token's claims.
          authorizer: trigger.access === 'public' ? undefined : this.tokens,
        });
        break;
      case 'schedule':
        new events.Rule(this, `${name}-clock`, {
          ruleName: named(settings.stage, name),
          schedule: events.Schedule.rate(Duration.seconds(trigger.every_s)),
          targets: [new LambdaFunction(fn)],
        });
        break;
      default:
        fn.addEventSource(
          new SqsEventSource(data.queue(trigger.queue), {
            batchSize: makesFrames(feature) ? 1 : 10,
            reportBatchItemFailures: true,
            maxConcurrency: (makesFrames(feature) ? settings.processors : undefined) ?? limits.concurrency ?? undefined,
          }),
        );
    }
  }

  private logCalls(): void {
    const calls = new logs.LogGroup(this, 'Calls', {
      logGroupName: `/aws/apigateway/${named(this.props.settings.stage, 'api')}`,
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = this.api.defaultStage?.node.defaultChild as api.CfnStage;
    stage.accessLogSettings = {
      destinationArn: calls.logGroupArn,
      format: JSON.stringify({
        request: '$context.requestId',
        at: '$context.requestTime',
        route: '$context.routeKey',
        status: '$context.status',
        ms: '$context.responseLatency',
        error: '$context.authorizer.error',
      }),
    };
    stage.defaultRouteSettings = { throttlingBurstLimit: 200, throttlingRateLimit: 100 };
  }
}
