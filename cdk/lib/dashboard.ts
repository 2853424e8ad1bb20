// A stack's dashboard: its alarms, where the runbook is, and what they look at over time.
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';

import type { Alarms } from './alarms.js';
import { named } from './names.js';
import type { Settings } from './settings.js';

export type Graph = [title: string, metrics: cloudwatch.IMetric[]];

export function dashboard(scope: Construct, name: string, settings: Settings, alarms: Alarms, graphs: Graph[]): void {
  const widgets = graphs.map(([title, left]) => new cloudwatch.GraphWidget({ title, left, width: 12 }));
  new cloudwatch.Dashboard(scope, 'Dashboard', {
    dashboardName: named(settings.stage, name),
    widgets: [
      [new cloudwatch.TextWidget({ markdown: `What to do when one of these rings: ${settings.runbook}`, width: 24, height: 1 })],
      [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: 24, height: 4 })],
      widgets,
    ],
  });
}
