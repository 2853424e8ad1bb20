// Alarms: each names the place in the runbook that says what to do, and tells one topic.
import { Duration } from 'aws-cdk-lib';
import * as ce from 'aws-cdk-lib/aws-ce';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

import { named } from './names.js';
import type { Settings } from './settings.js';

/** The sections of docs/runbook.md. */
export const RUNBOOK = {
  age: 'messages-wait-too-long',
  dead: 'dead-letters',
  errors: 'our-own-faults',
  throttles: 'throttled',
  cost: 'costs-more-than-usual',
} as const;

/** A figure that functions write themselves, with its labels. */
export const own = (metricName: string, { stage }: Settings, labels: Record<string, string>): cloudwatch.Metric =>
  new cloudwatch.Metric({
    namespace: 'fotograma',
    metricName,
    dimensionsMap: { stage, ...labels },
    period: Duration.minutes(5),
    statistic: 'Sum',
  });

export class Alarms extends Construct {
  private readonly topic: sns.Topic;
  /** Every one of them, for a dashboard to show. */
  readonly all: cloudwatch.Alarm[] = [];

  constructor(scope: Construct, id: string, private readonly settings: Settings) {
    super(scope, id);
    this.topic = new sns.Topic(this, 'Topic', { topicName: named(settings.stage, `${id.toLowerCase()}`), enforceSSL: true });
    if (settings.alarmEmail) this.topic.addSubscription(new EmailSubscription(settings.alarmEmail));
  }

  private alarm(id: string, section: keyof typeof RUNBOOK, says: string, props: cloudwatch.AlarmProps): void {
    const alarm = new cloudwatch.Alarm(this, id, {
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      ...props,
      alarmDescription: `${says} ${this.settings.runbook}#${RUNBOOK[section]}`,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.all.push(alarm);
  }

  /** The oldest message of a queue waits longer than it should. */
  age(name: string, queue: sqs.IQueue, longest: Duration): void {
    this.alarm(`${name}-age`, 'age', `Messages of ${name} wait too long.`, {
      metric: queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(5) }),
      threshold: longest.toSeconds(),
      evaluationPeriods: 2,
    });
  }

  /** Something was given up. */
  dead(name: string, queue: sqs.IQueue): void {
    this.alarm(`${name}-dead`, 'dead', `${name} holds what was given up.`, {
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: 'Maximum' }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    });
  }

  /** A function fails, or is not let run. */
  function(name: string, fn: lambda.IFunction): void {
    const metrics = [
      ['errors', fn.metricErrors({ period: Duration.minutes(5) }), `${name} fails.`],
      ['throttles', fn.metricThrottles({ period: Duration.minutes(5) }), `${name} is throttled.`],
    ] as const;
    for (const [section, metric, says] of metrics) {
      this.alarm(`${name}-${section}`, section, says, {
        metric,
        threshold: section === 'errors' ? 1 : 10,
        evaluationPeriods: section === 'errors' ? 1 : 3,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      });
    }
  }

  /** Jobs wait for something that only people can mend. No function fails by that: messages come again. */
  waiting(): void {
    this.alarm('jobs-wait', 'errors', 'Jobs wait: a permission is missing, or a function cannot make frames.', {
      metric: own('fotograma.faults', this.settings, { class: 'operational' }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    });
  }

  /** The bill grows unlike before; told by mail, which needs an address. */
  cost(): void {
    const { alarmEmail, anomalyDollars, stage } = this.settings;
    if (!alarmEmail) return;
    const monitor = new ce.CfnAnomalyMonitor(this, 'Services', {
      monitorName: named(stage, 'services'),
      monitorType: 'DIMENSIONAL',
      monitorDimension: 'SERVICE',
    });
    new ce.CfnAnomalySubscription(this, 'CostAnomaly', {
      subscriptionName: `${named(stage, 'cost')} (${this.settings.runbook}#${RUNBOOK.cost})`,
      frequency: 'DAILY',
      monitorArnList: [monitor.attrMonitorArn],
      subscribers: [{ type: 'EMAIL', address: alarmEmail }],
      thresholdExpression: JSON.stringify({
        Dimensions: { Key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE', MatchOptions: ['GREATER_THAN_OR_EQUAL'], Values: [String(anomalyDollars)] },
      }),
    });
  }
}
