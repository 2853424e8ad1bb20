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
import type { Construct } from 'constructs';

import { Alarms } from './alarms.js';
import type { DataStack } from './data-stack.js';
import type { Feature, Table } from './features.js';
import { limits, makesFrames } from './limits.js';
import { named } from './names.js';
import { statements } from './permissions.js';
import type { Settings } from './settings.js';
import { variables } from './variables.js';

export interface FunctionsStackProps extends StackProps {
  table: Table;
  settings: Settings;
  data: DataStack;
  /** The zip of the binary, and the one that holds `bin/ffmpeg` too. */
  code: lambda.Code;
  processorCode: lambda.Code;
}

/** Whether a feature can be a function: a form's file is larger than what a function is given. */
export const deployable = (feature: Feature): boolean => !(feature.trigger.type === 'http' && feature.trigger.form);

export class FunctionsStack extends Stack {
  readonly functions = new Map<string, lambda.Function>();
  private readonly api: api.HttpApi;
  private readonly tokens: HttpJwtAuthorizer;

  constructor(scope: Construct, id: string, private readonly props: FunctionsStackProps) {
    super(scope, id, props);
    const { table, settings, data } = props;
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
    this.dashboard();
    new CfnOutput(this, 'ApiUrl', { value: this.api.apiEndpoint });
  }

  private function(feature: Feature, environment: Record<string, string>): lambda.Function {
    const { settings, code, processorCode } = this.props;
    const { memoryMiB, timeout } = limits(feature);
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
      code: makesFrames(feature) ? processorCode : code,
      memorySize: memoryMiB,
      timeout,
      role,
      logGroup,
      environment: {
        ...environment,
        ...(makesFrames(feature) ? { FOTOGRAMA_FFMPEG: '/var/task/bin/ffmpeg', FOTOGRAMA_MAX_TIME: '14m' } : {}),
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
    const { trigger, name } = feature;
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
            maxConcurrency: makesFrames(feature) ? Math.max(2, settings.processors) : 5,
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

  private dashboard(): void {
    const { settings, data } = this.props;
    const functions = [...this.functions.values()];
    const graph = (title: string, left: cloudwatch.IMetric[]): cloudwatch.GraphWidget =>
      new cloudwatch.GraphWidget({ title, left, width: 12 });
    const own = (metricName: string): cloudwatch.IMetric =>
      new cloudwatch.MathExpression({
        expression: `SEARCH('Namespace="fotograma" MetricName="${metricName}"', 'Sum', 300)`,
        label: '',
      });
    new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: named(settings.stage, 'functions'),
      widgets: [
        [
          graph('Oldest message', [...data.queues.values()].map((queue) => queue.metricApproximateAgeOfOldestMessage())),
          graph('Messages waiting', [...data.queues.values()].map((queue) => queue.metricApproximateNumberOfMessagesVisible())),
        ],
        [graph('Faults', functions.map((fn) => fn.metricErrors())), graph('Throttles', functions.map((fn) => fn.metricThrottles()))],
        [graph('Duration', functions.map((fn) => fn.metricDuration({ statistic: 'p95' }))), graph('Extractions', [own('fotograma.extractions')])],
      ],
    });
  }
}
