// Synthesises the stacks with a stand-in for the zips, which only deployment needs.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { App, Validations } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';

import { type System, system } from '../lib/system.js';

function zip(...files: string[]): Code {
  const folder = mkdtempSync(join(tmpdir(), 'fotograma-cdk-'));
  mkdirSync(join(folder, 'bin'));
  for (const file of files) writeFileSync(join(folder, file), file);
  return Code.fromAsset(folder);
}

export function synth(context: Record<string, string> = {}, outdir?: string): System & { app: App } {
  const app = new App({ analyticsReporting: false, context, outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const made = system(app, { code: zip('bootstrap'), processorCode: zip('bootstrap', 'bin/ffmpeg') });
  return { ...made, app };
}

export interface Resource {
  Type: string;
  // The shape of each type is CloudFormation's own.
  Properties: any;
}

export function resources(template: Template, type: string): Resource[] {
  return Object.values(template.findResources(type)) as Resource[];
}

/** All statements of all policies that are attached to roles of a template. */
export function statements(template: Template): { Action: string | string[]; Resource: unknown; Effect: string }[] {
  return resources(template, 'AWS::IAM::Policy').flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
}

export const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
